// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import type { BundleAdjustOptions, CpuOps, CpuOpsOptions } from '../../src/native/addon.ts';
import { addonPath, loadAddon } from '../../src/native/loadAddon.ts';
import { SOLVER } from '../../src/odometry/solver.ts';
import { createOps, makeOps, WHOLE } from './makeOps.ts';

const ADJUST: BundleAdjustOptions = { ...SOLVER, freePoses: 0, iterations: 1 };

/** Every call of the ops, with good arguments. */
const CALLS: Record<string, (ops: CpuOps) => unknown> = {
  prepareImage: (ops) => ops.prepareImage(new Uint8Array(128 * 96), 128, 96, 1, 128),
  samplePatches: (ops) => ops.samplePatches(0, 0, 0, 'random', 1, WHOLE),
  insertFrame: (ops) => ops.insertFrame(0),
  correlate: (ops) => ops.correlate(1),
  bundleAdjust: (ops) => ops.bundleAdjust(1, ADJUST),
  assessHealth: (ops) => ops.assessHealth(1, Uint8Array.of(1), 1, 0, 64),
  flowMagnitude: (ops) => ops.flowMagnitude(0, 1, 0.5),
  pointCloud: (ops) => ops.pointCloud(0),
};

const all = async (ops: CpuOps) => {
  for (const call of Object.values(CALLS)) await call(ops);
};

describe('calls of the ops', () => {
  it('one at a time: the second is refused, also close, and the first is not disturbed', async () => {
    const ops = makeOps();
    ops.buffers.poseVariable.fill(-1);
    await all(ops);
    const first = ops.correlate(64);
    for (const call of Object.values(CALLS)) assert.throws(() => call(ops), { code: 'QPVO_BUSY' });
    assert.throws(() => ops.close(), { code: 'QPVO_BUSY' });
    await first;
    await all(ops);
  });

  it('two objects work at the same time', async () => {
    await Promise.all([makeOps().correlate(64), makeOps().correlate(64)]);
  });

  it('after close every call is refused; the arrays stay; closing twice is no error', async () => {
    const ops = makeOps();
    await ops.samplePatches(0, 0, 0, 'random', 0.5, WHOLE);
    ops.close();
    for (const call of Object.values(CALLS)) assert.throws(() => call(ops), { code: 'QPVO_CLOSED' });
    assert.equal(ops.buffers.inverseDepth[0], 0.5);
    ops.close();
  });

  it('the names of the calls here are those of the addon', () => {
    const { prototype } = loadAddon().CpuOps as { prototype: object };
    const names = Object.getOwnPropertyNames(prototype).filter((name) => name !== 'constructor' && name !== 'buffers');
    assert.deepEqual(names.toSorted(), [...Object.keys(CALLS), 'close'].toSorted());
  });

  it('slots outside of the ring are refused', () => {
    const ops = makeOps();
    const wrong = [-1, 8, 0.5, Number.NaN, undefined as unknown as number, '1' as unknown as number];
    for (const slot of wrong) {
      for (const call of [
        () => ops.samplePatches(slot, 0, 0, 'random', 1, WHOLE),
        () => ops.insertFrame(slot),
        () => ops.flowMagnitude(slot, 0, 0.5),
        () => ops.flowMagnitude(0, slot, 0.5),
        () => ops.pointCloud(slot),
      ]) {
        assert.throws(call, {
          code: 'QPVO_INTERNAL',
          message: `slot: expected an integer from 0 to 7, but received ${slot}.`,
        });
      }
    }
  });

  it('pair counts beyond the memory, and pairs of no slot, are refused', () => {
    const ops = makeOps();
    const message = /pair count: expected an integer from 0 to 64/;
    for (const count of [-1, 65, Number.POSITIVE_INFINITY]) {
      assert.throws(() => ops.correlate(count), message);
      assert.throws(() => ops.bundleAdjust(count, ADJUST), message);
      assert.throws(() => ops.assessHealth(count, new Uint8Array(99), 1, 0, 64), message);
    }
    ops.buffers.pairSource[3] = -1;
    const wrongPair = /pair 3: expected ring slots, but received -1 -> 0/;
    assert.throws(() => ops.correlate(4), wrongPair);
    assert.throws(() => ops.bundleAdjust(4, ADJUST), wrongPair);
    assert.throws(() => ops.assessHealth(4, new Uint8Array(4), 1, 0, 64), wrongPair);
  });

  it('options of bundle adjustment that cannot be are refused by name', () => {
    const ops = makeOps();
    const adjust = (wrong: Partial<Record<keyof BundleAdjustOptions, unknown>>) => () =>
      ops.bundleAdjust(1, { ...ADJUST, ...wrong } as BundleAdjustOptions);
    assert.throws(adjust({ freePoses: 9 }), /freePoses: expected an integer from 0 to 8, but received 9/);
    assert.throws(adjust({ iterations: 0 }), /iterations: expected an integer from 1/);
    assert.throws(adjust({ margin: undefined }), /margin: expected a number, but received undefined/);
    assert.throws(adjust({ minDepth: '1' }), /minDepth: expected a number/);
    assert.throws(() => ops.bundleAdjust(1, undefined as unknown as BundleAdjustOptions), /bundleAdjust: expected/);
    for (const variable of [-2, 1]) {
      ops.buffers.poseVariable[5] = variable;
      assert.throws(() => ops.bundleAdjust(1, { ...ADJUST, freePoses: 1 }), /pose variable of slot 5 out of range/);
    }
  });
});

describe('construction of the ops', () => {
  const refused: [Partial<CpuOpsOptions>, RegExp][] = [
    [{ channels: 2 as 1 }, /channels: expected 1 or 3, but received 2/],
    [{ width: 120 }, /width, height: expected multiples of 16/],
    [{ height: 0 }, /height: expected an integer from 32/],
    [{ width: Number.NaN }, /width: expected an integer from 32 to 8192, but received NaN/],
    [{ featureDim: 24 }, /featureDim: expected a multiple of 16/],
    [{ patches: 0 }, /patches: expected an integer from 1/],
    [{ ringSlots: 1 }, /ringSlots: expected an integer from 2/],
    [{ maxPairs: 1e9 }, /maxPairs: expected an integer from 1/],
    [{ threads: 0 }, /threads: expected an integer from 1/],
    [{ supersamples: 0 }, /supersamples: expected an integer from 1/],
    [{ scale: undefined as unknown as number }, /scale: expected a number, but received undefined/],
    [{ fx: 'wide' as unknown as number }, /fx: expected a number, but received wide/],
    [{ correlationScale: 0.1 }, /correlationScale: expected 0, or in int8 a positive number, but received 0.1/],
    [{ correlation: 'int8', correlationScale: -1 }, /correlationScale: expected 0, or in int8/],
    [{ instructionSet: 3 as unknown as string }, /instructionSet: expected a name, or '' for the best one/],
  ];
  for (const [options, message] of refused) {
    it(`refuses ${JSON.stringify(options)}`, () => assert.throws(() => makeOps(options, new Float32Array(1)), message));
  }

  it('refuses a map of another size or type, and missing arguments', () => {
    const message = /undistortion map: expected Float32Array of height x width x supersamples x 2/;
    assert.throws(() => makeOps({}, new Float32Array(128 * 96 * 2 - 1)), message);
    assert.throws(() => makeOps({}, new Float64Array(128 * 96 * 2) as unknown as Float32Array), message);
    const { CpuOps: Ops } = loadAddon();
    assert.throws(() => new (Ops as unknown as new () => CpuOps)(), /CpuOps: expected \(options, undistortion map\)/);
  });

  it('a state beyond the memory is refused, not fatal', () => {
    const program = `
      const { CpuOps } = require(process.argv[1]);
      const options = { channels: 1, width: 32, height: 32, recordedWidth: 32, recordedHeight: 32, supersamples: 1, featureDim: 16, hiddenDim: 1,
        patches: 1024, ringSlots: 2, maxPairs: 16384, threads: 1, scale: 1, offset: 0, fx: 10, fy: 10, cx: 4, cy: 4, correlation: 'fp32', instructionSet: '', correlationScale: 0 };
      try { new CpuOps(options, new Float32Array(32 * 32 * 2)); } catch (error) { console.log(error.code, error.message); }`;
    // 59 GB of correlation do not fit into the 16 GB that the process may have.
    const limited = `ulimit -v 16777216 && exec "$0" -e "$1" "$2"`;
    const output = execFileSync('sh', ['-c', limited, process.execPath, program, addonPath()], { encoding: 'utf8' });
    assert.match(output, /^QPVO_INTERNAL out of memory for the odometry state: choose smaller windows/);
  });
});

describe('construction of the ops off the JavaScript thread', () => {
  it('gives the same ops', async () => {
    const [made, created] = [makeOps(), await createOps()];
    assert.deepEqual(Object.keys(created.buffers), Object.keys(made.buffers));
    for (const ops of [made, created]) {
      await ops.prepareImage(new Uint8Array(128 * 96).fill(51), 128, 96, 1, 128);
      await ops.samplePatches(1, 2, 3, 'random', -1, WHOLE);
    }
    assert.deepEqual(created.buffers.image, made.buffers.image);
    assert.deepEqual(created.buffers.inverseDepth, made.buffers.inverseDepth);
    assert.equal(created.constructor, made.constructor);
    created.close();
    assert.throws(() => created.pointCloud(0), { code: 'QPVO_CLOSED' });
  });

  it('refuses wrong options and maps at once', () => {
    assert.throws(() => createOps({ width: 120 }), /width, height: expected multiples of 16/);
    assert.throws(() => createOps({}, new Float32Array(3)), /undistortion map: expected Float32Array/);
  });

  it('a state beyond the memory is a rejection', () => {
    const program = `
      const { CpuOps } = require(process.argv[1]);
      const options = { channels: 1, width: 32, height: 32, recordedWidth: 32, recordedHeight: 32, supersamples: 1, featureDim: 16, hiddenDim: 1,
        patches: 1024, ringSlots: 2, maxPairs: 16384, threads: 1, scale: 1, offset: 0, fx: 10, fy: 10, cx: 4, cy: 4, correlation: 'fp32', instructionSet: '', correlationScale: 0 };
      CpuOps.create(options, new Float32Array(32 * 32 * 2)).catch((error) => console.log(error.code, error.message));`;
    const limited = `ulimit -v 16777216 && exec "$0" -e "$1" "$2"`;
    const output = execFileSync('sh', ['-c', limited, process.execPath, program, addonPath()], { encoding: 'utf8' });
    assert.match(output, /^QPVO_INTERNAL out of memory for the odometry state: choose smaller windows/);
  });
});

describe('arrays of ops that are gone', () => {
  it('stay alive as long as they are held', () => {
    const program = `
      const { CpuOps } = require(process.argv[1]);
      const options = { channels: 1, width: 32, height: 32, recordedWidth: 32, recordedHeight: 32, supersamples: 1, featureDim: 16, hiddenDim: 8,
        patches: 4, ringSlots: 4, maxPairs: 4, threads: 2, scale: 2 / 255, offset: -0.5, fx: 10, fy: 10, cx: 4, cy: 4, correlation: 'fp32', instructionSet: '', correlationScale: 0 };
      const freed = [];
      const registry = new FinalizationRegistry((name) => freed.push(name));
      const make = () => {
        const ops = new CpuOps(options, new Float32Array(32 * 32 * 2));
        registry.register(ops, 'ops');
        const running = ops.correlate(4);
        return { running, image: ops.buffers.image };
      };
      const tick = () => new Promise((resolve) => setImmediate(resolve));
      (async () => {
        const { running, image } = make();
        gc();
        await running;
        for (let i = 0; i < 20 && freed.length === 0; i++) { gc(); await tick(); }
        image.fill(0.25);
        const noise = Array.from({ length: 50 }, () => new Float32Array(1024).fill(9));
        console.log(freed.join(), image.length, image.every((v) => v === 0.25), noise.length);
      })();`;
    const output = execFileSync(process.execPath, ['--expose-gc', '-e', program, addonPath()], { encoding: 'utf8' });
    assert.equal(output.trim(), 'ops 1024 true 50');
  });
});
