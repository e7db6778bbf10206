// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { readManifest, readModelFile } from '../../src/network/manifest.ts';
import { listModels } from '../../src/network/modelFolder.ts';
import type { Network } from '../../src/network/Network.ts';
import type { NetworkForms } from '../../src/network/neededParts.ts';
import { openNetwork } from '../../src/network/openNetwork.ts';
import { readSafetensors } from '../../src/network/weights/safetensors.ts';

interface Case {
  /** The part that holds inputs and outputs: of the network in fp32, or with its quantized layers rounded. */
  golden: 'golden' | 'goldenInt8';
  forms: NetworkForms;
  /** Absolute. */
  worst: number;
  mean: number;
}

const inBoth = <Value>(value: Value) => ({ encoder: value, update: value });

const CASES: Case[] = (['onnxruntime', 'native'] as const).flatMap((runtime) => [
  // Single precision on both sides.
  {
    golden: 'golden',
    forms: { runtime: inBoth(runtime), precision: inBoth('fp32') },
    worst: 1e-4,
    mean: 2e-5,
  },
  // The same integers, but for values next to a tie, which the layers behind pass on. onnxruntime has its biases in units of the accumulators, which moves
  // more of them; measured 0.03 and 2.8e-3, native 1.5e-6 and 1.5e-7.
  {
    golden: 'goldenInt8',
    forms: { runtime: inBoth(runtime), precision: inBoth('int8') },
    worst: 0.1,
    mean: runtime === 'onnxruntime' ? 8e-3 : 1e-3,
  },
]);

// Computed with PyTorch by the training code (training/qpvo_train/golden.py). Two frames, all four pairs.
for (const model of listModels()) {
  const folder = `models/${model}`;
  const manifest = readManifest(folder);
  for (const { golden: part, forms, worst, mean } of CASES) {
    if (manifest.files[part] === undefined) continue;
    const { runtime, precision } = forms;

    describe(`golden tensors of the model ${model}, ${precision.encoder} with ${runtime.encoder}`, () => {
      const golden = readSafetensors(Buffer.from(readModelFile(folder, manifest, part)), part);
      const of = (name: string) => golden.get(name)!.data;
      const { featureDim, hiddenDim, inputChannels } = manifest.sizes;
      const [, , height, width] = golden.get('image')!.shape as [number, number, number, number];
      const patches = golden.get('cells')!.shape[1]!;
      const buffers = {
        image: new Float32Array(inputChannels * height * width),
        cells: new Int32Array(patches),
        features: new Float32Array((featureDim * height * width) / 16),
        context: new Float32Array(patches * hiddenDim),
      };
      let network: Network;

      before(async () => {
        network = await openNetwork(folder, { threads: 2, ...forms });
        network.allocate({ height, width, patches, maxPairs: 4, maxSources: 2, ringSlots: 2, buffers });
      });
      after(() => network?.close());

      it('features and context of both images', async () => {
        const { scale, offset } = manifest.normalisation;
        for (let n = 0; n < 2; n++) {
          buffers.image.set(half(of('image'), n).map((v) => scale * v + offset));
          buffers.cells.set(half(of('cells'), n));
          await network.encode();
          closeTo(buffers.features, half(of('features'), n), 'features');
          closeTo(buffers.context, half(of('context'), n), 'context');
        }
      });

      it('an update', async () => {
        const batch = {
          count: 4,
          source: Int32Array.of(0, 0, 1, 1),
          sourceIndex: Int32Array.of(0, 0, 1, 1),
          previous: Int32Array.of(-1, 0, -1, 2),
          next: Int32Array.of(1, -1, 3, -1),
          hiddenIn: of('hidden'),
          hiddenOut: new Float32Array(4 * patches * hiddenDim),
          contextRing: of('context'),
          correlation: of('correlation'),
          delta: new Float32Array(4 * patches * 2),
          weight: new Float32Array(4 * patches * 2),
        };
        await network.update(batch);
        for (const name of ['hiddenOut', 'delta', 'weight'] as const) closeTo(batch[name], of(name), name);
      });

      function closeTo(actual: Float32Array, expected: Float32Array, what: string): void {
        assert.equal(actual.length, expected.length, what);
        const differences = expected.map((value, n) => Math.abs(value - actual[n]!));
        const most = differences.reduce((a, b) => Math.max(a, b));
        const average = differences.reduce((a, b) => a + b) / differences.length;
        assert.ok(most <= worst, `${what} differs by ${most}`);
        assert.ok(average <= mean, `${what} differs by ${average} in the mean`);
      }
    });
  }
}

function half(data: Float32Array, n: number): Float32Array {
  return data.subarray((n * data.length) / 2, ((n + 1) * data.length) / 2);
}
