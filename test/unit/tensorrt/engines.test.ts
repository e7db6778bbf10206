// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { engineProgressText } from '../../../src/cli/engine/EngineProgressLine.ts';
import { stateOf } from '../../../src/cli/engine/list.ts';
import { BuildProgress } from '../../../src/tensorrt/BuildProgress.ts';
import { EngineCache } from '../../../src/tensorrt/EngineCache.ts';
import { DEFAULT_ENGINE_OPTIONS, type EngineKey, keyDifference, keyDigest } from '../../../src/tensorrt/EngineKey.ts';
import { engineShape } from '../../../src/tensorrt/engineShape.ts';
import { engineFolder } from '../../../src/tensorrt/places.ts';
import { decodeHeader, decodePlanFile, encodePlanFile } from '../../../src/tensorrt/planFile.ts';

const KEY: EngineKey = {
  ...DEFAULT_ENGINE_OPTIONS,
  graph: 'context',
  onnx: 'ab'.repeat(32),
  inputs: { image: [1, 1, 480, 752], cells: [48] },
  tensorrt: '10.3.0.26',
  cuda: 12060,
  device: 'Orin',
  computeCapability: '8.7',
};
const ABOUT = { key: KEY, model: 'small', precision: 'int8', builtAt: '2026-11-21T07:00:00.000Z', buildSeconds: 83.4 };

describe('keys of engines', () => {
  it('are the same whatever the order of their fields', () => {
    const turned = Object.fromEntries(Object.entries(KEY).reverse()) as unknown as EngineKey;
    const inputs = { cells: [48], image: [1, 1, 480, 752] };
    assert.equal(keyDigest({ ...turned, inputs }), keyDigest(KEY));
    assert.equal(keyDifference(KEY, { ...turned, inputs }), undefined);
  });

  for (const [field, value] of [
    ['graph', 'features'],
    ['onnx', 'cd'.repeat(32)],
    ['inputs', { image: [1, 1, 480, 752], cells: [96] }],
    ['tensorrt', '10.3.0.30'],
    ['cuda', 12080],
    ['device', 'Orin Nano'],
    ['computeCapability', '8.9'],
    ['dlaCore', 0],
  ] as const) {
    it(`differ with ${field}`, () => {
      const other = { ...KEY, [field]: value };
      assert.notEqual(keyDigest(other), keyDigest(KEY));
      assert.equal(keyDifference(KEY, other)?.field, field);
      const cache = new EngineCache('engines');
      assert.notEqual(cache.pathOf(other), cache.pathOf(KEY));
    });
  }
});

describe('an engine that was searched longer, or with less scratch memory', () => {
  for (const [field, value] of [
    ['level', 5],
    ['workspaceMb', 256],
  ] as const)
    it(`serves a run all the same: ${field}`, () => {
      const other = { ...KEY, [field]: value };
      assert.equal(keyDigest(other), keyDigest(KEY));
      assert.equal(keyDifference(KEY, other), undefined);
    });
});

describe('files of engines', () => {
  it('give back what was put in', () => {
    const plan = Uint8Array.from({ length: 1000 }, (_, i) => i * 7);
    const content = encodePlanFile(ABOUT, plan);
    const file = decodePlanFile(
      Buffer.from(content.buffer.slice(content.byteOffset, content.byteOffset + content.length)),
    );
    assert.ok(!('fault' in file));
    assert.deepEqual(new Uint8Array(file.plan), plan);
    assert.equal(file.header.planBytes, 1000);
    assert.equal(file.plan.byteOffset % 64, 0, 'numbers in the plan lie where the processor wants them');
    assert.deepEqual({ ...ABOUT, planBytes: 1000, planSha256: file.header.planSha256 }, file.header);
  });

  it('are refused at every length but their own', () => {
    const whole = encodePlanFile(ABOUT, Uint8Array.of(1, 2, 3));
    for (let length = 0; length < whole.length; length++)
      assert.ok('fault' in decodePlanFile(whole.subarray(0, length)), `${length} bytes`);
    assert.match((decodePlanFile(Buffer.concat([whole, Buffer.of(0)])) as { fault: string }).fault, /truncated/);
  });

  it('are refused with a header of impossible length', () => {
    const whole = encodePlanFile(ABOUT, Uint8Array.of(1, 2, 3));
    whole.writeUInt32LE(0xffffffff, 8);
    assert.deepEqual(decodeHeader(whole), { fault: 'truncated: its header is not whole' });
  });

  it('are kept where the environment says', () => {
    assert.equal(engineFolder({ QPVO_ENGINES: '/data/engines', XDG_CACHE_HOME: '/cache' }), '/data/engines');
    assert.equal(engineFolder({ XDG_CACHE_HOME: '/cache' }), '/cache/qpvo/engines');
    assert.equal(engineFolder({ QPVO_ENGINES: '' }), join(homedir(), '.cache', 'qpvo', 'engines'));
  });
});

describe('states of engines', () => {
  const entry = { path: 'a', bytes: 3, header: { ...ABOUT, planBytes: 3, planSha256: '' } };
  for (const [state, machine] of [
    ['usable', KEY],
    ['unknown', undefined],
    ['for TensorRT 10.3.0.26, not 11.1.0.106', { ...KEY, tensorrt: '11.1.0.106' }],
    ['for Orin (8.7)', { ...KEY, device: 'Thor', computeCapability: '11.0' }],
    ['for CUDA 12060, not 13000', { ...KEY, cuda: 13000 }],
  ] as const) {
    it(`"${state}"`, () => assert.equal(stateOf(entry, machine), state));
  }
  it('a fault goes before all else', () => assert.equal(stateOf({ ...entry, fault: 'truncated' }, KEY), 'truncated'));
});

describe('progress of a build', () => {
  it('counts the steps of phases within phases', () => {
    const progress = new BuildProgress();
    const shares: number[] = [];
    const take = (event: Parameters<BuildProgress['take']>[0]) => {
      progress.take(event);
      shares.push(Number(progress.share.toFixed(3)));
    };
    take({ event: 'phase', name: 'build', parent: '', steps: 4 });
    take({ event: 'step', name: 'build', step: 0 });
    take({ event: 'phase', name: 'layers', parent: 'build', steps: 10 });
    take({ event: 'step', name: 'layers', step: 4 });
    assert.equal(progress.phase, 'layers');
    take({ event: 'finish', name: 'layers' });
    take({ event: 'step', name: 'build', step: 1 });
    take({ event: 'phase', name: 'strange', parent: 'unheard of', steps: 0 });
    take({ event: 'step', name: 'strange', step: 7 });
    take({ event: 'step', name: 'nobody', step: 1 });
    assert.deepEqual(shares, [0, 0.25, 0.25, 0.375, 0.375, 0.5, 0.5, 1, 1]);
  });

  it('is told in a line', () => {
    const line = { graph: 'features', precision: 'int8', index: 1, count: 2, phase: 'Timing', share: 0.4349 } as const;
    assert.equal(engineProgressText(line, 94.6), 'features (int8, engine 1 of 2): 43 % of the steps, 95 s, Timing');
  });
});

describe('lengths of engines', () => {
  it('are those of the windows', () => {
    const windows = {
      patchesPerFrame: 96,
      removalWindow: 22,
      patchLifetime: 13,
      optimizationWindow: 10,
      keyframeIndex: 4,
    };
    assert.deepEqual(engineShape({ width: 752, height: 480 }, windows), {
      ...{ width: 752, height: 480 },
      ...{ patches: 96, sources: 23, targets: 25 },
    });
  });
});
