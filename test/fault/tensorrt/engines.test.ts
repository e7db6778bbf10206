// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { defaultParameters } from '../../../src/config/parameters.ts';
import { readManifest } from '../../../src/network/manifest.ts';
import { findModelFolder } from '../../../src/network/modelFolder.ts';
import { probeTensorrt } from '../../../src/tensorrt/builderProcess.ts';
import { builtSizes } from '../../../src/tensorrt/builtSizes.ts';
import { EngineCache } from '../../../src/tensorrt/EngineCache.ts';
import { engineShape } from '../../../src/tensorrt/engineShape.ts';
import { type EngineRequest, openEngines } from '../../../src/tensorrt/openEngines.ts';
import { temporaryFolder } from '../../conformance/temporaryFolder.ts';
import { compileDoubleBuilder } from '../../native/tensorrt/doubleBuilder.ts';

const modelDir = findModelFolder('small');
const manifest = readManifest(modelDir);
const shape = engineShape({ width: 160, height: 96 }, { ...defaultParameters(), ...manifest.windows });

describe('TensorRT engines and their cache', function () {
  this.timeout(60000);
  const scratch = temporaryFolder();
  let builder: string;
  let folder: string;
  let round = 0;

  before(() => {
    builder = compileDoubleBuilder(scratch);
  });
  beforeEach(() => {
    folder = join(scratch, `engines ${round++}`);
  });
  afterEach(() => {
    for (const name of ['QPVO_DOUBLE_BUILD', 'QPVO_DOUBLE_TENSORRT']) delete process.env[name];
  });

  const open = (request: Partial<EngineRequest> = {}) =>
    openEngines({
      ...{ modelDir, manifest, shape, folder, builder, build: true },
      precision: { encoder: 'int8' },
      ...request,
    });
  const files = () => (existsSync(folder) ? readdirSync(folder).sort() : []);
  const engines = () => files().filter((name) => name.endsWith('.engine'));

  it('are built once, with their shapes, and found again', async () => {
    const first = await open();
    assert.deepEqual(first.built, ['features', 'context']);
    assert.match(Buffer.from(first.plans.features!).toString(), /^image 1 1 96 160\ndla -1 level 3 /);
    assert.match(Buffer.from(first.plans.context!).toString(), /^image 1 1 96 160\ncells 48\n/);
    assert.equal(engines().length, 2);
    assert.equal(files().length, 3, 'engines and timings, nothing else');
    const second = await open({ build: false });
    assert.deepEqual(second.built, []);
    assert.deepEqual(second.plans, first.plans);
  });

  it('of all networks and precisions are engines of their own', async () => {
    for (const precision of ['fp32', 'fp16', 'int8'] as const) {
      const { built, plans } = await open({ precision: { encoder: precision, update: precision } });
      assert.deepEqual(built, ['features', 'context', 'update']);
      assert.match(
        Buffer.from(plans.update!).toString(),
        /^hidden 17 21 48 128\ncontext 17 1 48 128\ncorrelation 17136 882\nmask 17 21 1 1\n/,
      );
    }
    assert.equal(engines().length, 9);
  });

  it('a change of image size or TensorRT means another engine, and the old ones stay', async () => {
    await open();
    await open({ shape: { ...shape, width: 176 } });
    process.env.QPVO_DOUBLE_TENSORRT = '10.13.3.9';
    assert.deepEqual((await open()).built, ['features', 'context']);
    assert.equal(engines().length, 6);
  });

  it('one of another level or workspace serves a run; where a build asks for others, it takes its place', async () => {
    await open({ options: { level: 2 } });
    assert.deepEqual((await open({ options: { level: 5, workspaceMb: 7 }, build: false })).built, []);
    assert.deepEqual((await open()).built, []);
    const notices: string[] = [];
    const { plans } = await open({ options: { workspaceMb: 512 }, onNotice: (text) => notices.push(text) });
    assert.match(Buffer.from(plans.features!).toString(), /level 3 workspace 536870912 /);
    assert.equal(notices[0], 'engine features: built with --workspace 1024, not 512');
    assert.equal(engines().length, 2);
  });

  for (const [what, spoil, notice] of [
    [
      'truncated',
      (bytes: Buffer) => bytes.subarray(0, bytes.length - 1),
      /truncated: expected a plan of \d+ bytes, found/,
    ],
    ['cut off in its header', (bytes: Buffer) => bytes.subarray(0, 40), /truncated: its header is not whole/],
    ['empty', () => Buffer.alloc(0), /not an engine file of qpvo/],
    ['of another program', () => Buffer.from('ftrt and a plan as TensorRT writes it'), /not an engine file of qpvo/],
    ['changed in its plan', (bytes: Buffer) => flipped(bytes, bytes.length - 2), /damaged: the checksum/],
    ['changed in its header', (bytes: Buffer) => flipped(bytes, 12), /damaged: its header cannot be read/],
  ] as const) {
    it(`a file that is ${what} is never used: it is told and built again`, async () => {
      const good = await open();
      const path = join(folder, engines().find((name) => name.startsWith('features'))!);
      writeFileSync(path, spoil(readFileSync(path)));
      await assert.rejects(open({ build: false }), { code: 'QPVO_ENGINE', message: notice });
      const notices: string[] = [];
      const { built, plans } = await open({ onNotice: (text) => notices.push(text) });
      assert.deepEqual(built, ['features']);
      assert.match(notices[0]!, notice);
      assert.equal(Buffer.from(plans.features!).toString().split(' timings')[0], textOf(good.plans.features));
      assert.deepEqual((await open({ build: false })).built, []);
    });
  }

  it('an engine in the place of another is not taken for it', async () => {
    await open();
    const [context, features] = engines() as [string, string];
    copyFileSync(join(folder, context), join(folder, features));
    await assert.rejects(open({ build: false }), { code: 'QPVO_ENGINE', message: /is of another graph: context/ });
  });

  it('one that must not be built is an error with the command that builds it', async () => {
    await assert.rejects(open({ build: false }), {
      code: 'QPVO_ENGINE',
      message:
        /graph features cannot be used: not built yet\. .*qpvo engine build --size 160x96 --set networkScale=1 .*--networks encoder --precision int8/,
    });
    await assert.rejects(open({ build: false, precision: { update: 'fp16' } }), {
      message:
        /--set patchesPerFrame=48 --set removalWindow=16 --set patchLifetime=11 .*--networks update --precision fp16/,
    });
    assert.deepEqual(files(), []);
  });

  for (const [mode, message] of [
    ['refuse', /TensorRT refuses the graph: no "Frobnicate"/],
    ['starve', /9 MB free of 64 MB/],
    ['crash', /the engine builder failed: .*a crash \(SIGSEGV\)/],
  ] as const) {
    it(`a build that ends with "${mode}" leaves the cache as it was`, async () => {
      await open({ precision: { update: 'fp16' } });
      const before = files();
      process.env.QPVO_DOUBLE_BUILD = mode;
      await assert.rejects(open(), { code: mode === 'starve' ? 'QPVO_OUT_OF_MEMORY' : 'QPVO_ENGINE', message });
      assert.deepEqual(files(), before);
      delete process.env.QPVO_DOUBLE_BUILD;
      assert.deepEqual((await open()).built, ['features', 'context']);
    });
  }

  it('an interrupted build leaves no half file, and progress never falls', async () => {
    process.env.QPVO_DOUBLE_BUILD = 'slow';
    const stop = new AbortController();
    const shares: number[] = [];
    const build = open({
      signal: stop.signal,
      onProgress: ({ share, phase, graph, index, count }) => {
        shares.push(share);
        assert.deepEqual([graph, index, count], ['features', 1, 2]);
        if (shares.length === 9) {
          assert.equal(phase, 'Timing layers');
          stop.abort(new Error('enough'));
        }
      },
    });
    await assert.rejects(build, { message: 'enough' });
    assert.deepEqual(files(), []);
    assert.ok(shares.every((share, i) => i === 0 || share >= shares[i - 1]!));
    assert.ok(shares.at(-1)! > 0 && shares.at(-1)! < 0.1, `${shares}`);
  });

  it('what a killed process left half written is removed by the next build, that of a living one is not', async () => {
    mkdirSync(folder, { recursive: true });
    const { pid: gone } = spawnSync('true');
    const left = [`features-0.engine.${gone}.part`, `features-0.engine.plan.1.part.${gone}.part`];
    const alive = `features-0.engine.${process.ppid}.part`;
    for (const name of [...left, alive]) writeFileSync(join(folder, name), 'half');
    await open();
    assert.deepEqual(
      files().filter((name) => name.endsWith('.part')),
      [alive],
    );
  });

  it('a folder that cannot be written is told with what to do', async () => {
    writeFileSync(join(scratch, 'a file'), '');
    await assert.rejects(open({ folder: join(scratch, 'a file') }), { code: 'QPVO_OUTPUT', message: /QPVO_ENGINES/ });
  });

  it('are listed and cleared, whole or in part', async () => {
    await open();
    const [context] = engines() as [string, string];
    writeFileSync(join(folder, context), readFileSync(join(folder, context)).subarray(0, -5));
    const cache = new EngineCache(folder);
    const list = await cache.list();
    assert.deepEqual(
      list.map(({ header, fault }) => [header?.key.graph, header?.model, header?.precision, fault]),
      [
        ['context', 'small', 'int8', 'truncated'],
        ['features', 'small', 'int8', undefined],
      ],
    );
    assert.equal((await cache.clear((entry) => entry.fault !== undefined)).files, 1);
    assert.equal(engines().length, 1);
    assert.equal((await cache.clear()).files, 2, 'the other engine, and the timings');
    assert.deepEqual(files(), []);
    rmSync(folder, { recursive: true });
    assert.deepEqual([await cache.list(), await cache.clear()], [[], { files: 0, bytes: 0 }]);
  });

  it('are told by the sizes of images for which all are there, whole, and for this machine', async () => {
    const request = { modelDir, manifest, shape, folder, precision: { encoder: 'fp16' }, dlaCore: -1 } as const;
    const machine = await probeTensorrt(builder);
    const sizes = () => builtSizes(request, machine);
    assert.deepEqual(await sizes(), []);
    const precision = { encoder: 'fp16' } as const;
    await open({ precision });
    await open({ precision, shape: { ...shape, width: 176 }, options: { level: 5 } });
    await open({ precision: { encoder: 'int8' }, shape: { ...shape, width: 192 } });
    assert.deepEqual([...(await sizes())].sort(), ['160x96', '176x96']);
    assert.deepEqual(await builtSizes({ ...request, dlaCore: 1 }, machine), []);
    assert.deepEqual(await builtSizes({ ...request, shape: { ...shape, patches: 96 } }, machine), []);
    assert.deepEqual(await builtSizes(request, { ...machine, tensorrt: '11.1.0.106' }), []);
    const wide = (await new EngineCache(folder).list()).find(({ header }) => header?.key.inputs.image?.[3] === 176);
    writeFileSync(wide!.path, readFileSync(wide!.path).subarray(0, -1));
    assert.deepEqual(await sizes(), ['160x96']);
  });

  it('of the update operator alone are there for images of every size', async () => {
    const precision = { update: 'fp16' } as const;
    const request = { modelDir, manifest, shape, folder, precision, dlaCore: -1 };
    const machine = await probeTensorrt(builder);
    await open({ precision: { encoder: 'fp16' } });
    assert.deepEqual(await builtSizes(request, machine), []);
    await open({ precision });
    assert.equal(await builtSizes(request, machine), 'all');
    assert.deepEqual(await builtSizes({ ...request, shape: { ...shape, patches: 96 } }, machine), []);
  });

  it('for the deep learning accelerator: only where there is one, and in fp16', async () => {
    await assert.rejects(open({ options: { dlaCore: 2 }, precision: { encoder: 'fp16' } }), {
      code: 'QPVO_ENGINE',
      message: /accelerator 2: expected a core below 2, but received Orin "double" with 2 cores for TensorRT 10\.3/,
    });
    await assert.rejects(open({ options: { dlaCore: 1 } }), { code: 'QPVO_ENGINE', message: /networks in fp16.*int8/ });
    await assert.rejects(open({ options: { dlaCore: 1 }, precision: { encoder: 'fp16' }, build: false }), {
      code: 'QPVO_ENGINE',
      message: /not built yet.*qpvo engine build .*--precision fp16 --dla 1/,
    });
    const { plans } = await open({ options: { dlaCore: 1 }, precision: { encoder: 'fp16' } });
    assert.match(Buffer.from(plans.features!).toString(), /dla 1 level 3/);
  });

  describe('where TensorRT is not as it should be', () => {
    for (const [what, script, message] of [
      ['a builder that says nothing', 'exit 0', /could not be asked for its version/],
      [
        'a library that is missing',
        'echo "qpvo_engine: error while loading shared libraries: libnvinfer.so.10: cannot open shared object file" >&2; exit 127',
        /TensorRT cannot be loaded: expected libnvinfer\.so\.10.*Install TensorRT/,
      ],
      ['a builder that dies at once', 'kill -ABRT $$', /a crash \(SIGABRT\)/],
      ['a builder that prints rubbish', 'echo "{\\"event\\": 3}"; echo "{"; echo; exit 4', /exit code 4/],
    ] as const) {
      it(`${what} is told`, async () => {
        const path = join(scratch, `builder ${round}`);
        writeFileSync(path, `#!/bin/sh\n${script}\n`);
        chmodSync(path, 0o755);
        await assert.rejects(open({ builder: path }), { code: 'QPVO_ENGINE', message });
      });
    }

    it('a build without TensorRT is told with what to install', async () => {
      const path = join(scratch, 'absent');
      await assert.rejects(open({ builder: path }), {
        code: 'QPVO_ENGINE',
        message: /built without TensorRT.*libnvinfer/,
      });
    });

    it('a builder that cannot be started is told', async () => {
      const path = join(scratch, 'no program');
      writeFileSync(path, '');
      await assert.rejects(open({ builder: path }), { code: 'QPVO_ENGINE', message: /cannot be started/ });
    });
  });
});

function flipped(bytes: Buffer, at: number): Buffer {
  const changed = Buffer.from(bytes);
  changed[at]! ^= 0x80;
  return changed;
}

/** Without what follows from the builds before. */
function textOf(plan: Uint8Array | undefined): string | undefined {
  return Buffer.from(plan!).toString().split(' timings')[0];
}
