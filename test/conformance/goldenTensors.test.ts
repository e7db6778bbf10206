// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { readManifest, readModelFile } from '../../src/network/manifest.ts';
import { openNetwork } from '../../src/network/OnnxNetwork.ts';
import { readSafetensors } from '../../src/network/weights/safetensors.ts';

const MODEL = 'models/small';
const PATCHES = 6;
const HEIGHT = 48;
const WIDTH = 64;

// Inputs and outputs of every stage, computed with PyTorch in fp32 by the network that the weights were trained in. Two images, all four pairs.
describe('golden tensors of the model small', () => {
  const manifest = readManifest(MODEL);
  const golden = readSafetensors(Buffer.from(readModelFile(MODEL, manifest, 'golden')), 'golden');
  const of = (name: string) => golden.get(name)!.data;
  const { featureDim, hiddenDim } = manifest.sizes;

  it('features and context of both images', async () => {
    const network = await openNetwork(MODEL, { threads: 2 });
    const buffers = {
      image: new Float32Array(HEIGHT * WIDTH),
      cells: new Int32Array(PATCHES),
      features: new Float32Array((featureDim * HEIGHT * WIDTH) / 16),
      context: new Float32Array(PATCHES * hiddenDim),
    };
    network.allocate({
      height: HEIGHT,
      width: WIDTH,
      patches: PATCHES,
      maxPairs: 4,
      maxSources: 2,
      ringSlots: 2,
      buffers,
    });
    for (let n = 0; n < 2; n++) {
      buffers.image.set(part(of('image'), n, 2));
      buffers.cells.set(part(of('cells'), n, 2));
      await network.encode();
      closeTo(buffers.features, part(of('features'), n, 2), 1e-4, 'features');
      closeTo(buffers.context, part(of('context'), n, 2), 1e-5, 'context');
    }
    await network.close();
  });

  it('an update', async () => {
    const network = await openNetwork(MODEL, { threads: 2 });
    const buffers = {
      image: new Float32Array(1),
      cells: new Int32Array(1),
      features: new Float32Array(1),
      context: new Float32Array(1),
    };
    network.allocate({
      height: HEIGHT,
      width: WIDTH,
      patches: PATCHES,
      maxPairs: 4,
      maxSources: 2,
      ringSlots: 2,
      buffers,
    });
    const batch = {
      count: 4,
      source: Int32Array.of(0, 0, 1, 1),
      sourceIndex: Int32Array.of(0, 0, 1, 1),
      previous: Int32Array.of(-1, 0, -1, 2),
      next: Int32Array.of(1, -1, 3, -1),
      hiddenIn: of('hidden'),
      hiddenOut: new Float32Array(4 * PATCHES * hiddenDim),
      contextRing: of('context'),
      correlation: of('correlation'),
      delta: new Float32Array(4 * PATCHES * 2),
      weight: new Float32Array(4 * PATCHES * 2),
    };
    await network.update(batch);
    for (const name of ['hiddenOut', 'delta', 'weight'] as const) closeTo(batch[name], of(name), 2e-5, name);
    await network.close();
  });
});

function part(data: Float32Array, n: number, parts: number): Float32Array {
  return data.subarray((n * data.length) / parts, ((n + 1) * data.length) / parts);
}

function closeTo(actual: Float32Array, expected: Float32Array, tolerance: number, what: string): void {
  assert.equal(actual.length, expected.length);
  const worst = expected.reduce((most, value, n) => Math.max(most, Math.abs(value - actual[n]!)), 0);
  assert.ok(worst <= tolerance, `${what} differs by ${worst}`);
}
