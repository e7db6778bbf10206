// SPDX-License-Identifier: MIT
import type { Weights, WeightTensor } from '../../src/network/weights/Weights.ts';

/** Layers that only one other layer reads, with that layer. */
const INNER: readonly (readonly [outputs: readonly string[], reader: string])[] = [
  ...['patchify.fnet', 'patchify.inet'].flatMap((net) =>
    ['layer1.0', 'layer1.1', 'layer2.0', 'layer2.1'].map(
      (block) => [[`${net}.${block}.conv1`], `${net}.${block}.conv2`] as const,
    ),
  ),
  [['update.corr.0'], 'update.corr.2'],
  ...['c1', 'c2'].map((block) => [[`update.${block}.0`], `update.${block}.2`] as const),
  ...['agg_kk', 'agg_ij'].map((block) => [[`update.${block}.f`, `update.${block}.g`], `update.${block}.h`] as const),
  ...['gru.1', 'gru.3'].map((block) => [[`update.${block}.res.0`], `update.${block}.res.2`] as const),
];

/** The network with the last channels of every inner layer cut off, one more in each block than in the one before, up to three. */
export function narrowed(weights: Weights): Weights {
  const result = new Map(weights);
  for (const [index, [outputs, reader]] of INNER.entries()) {
    const kept = weights.get(`${outputs[0]}.weight`)!.shape[0]! - 1 - (index % 3);
    for (const layer of outputs) {
      result.set(`${layer}.weight`, cutOutputs(weights.get(`${layer}.weight`)!, kept));
      result.set(`${layer}.bias`, cutOutputs(weights.get(`${layer}.bias`)!, kept));
    }
    result.set(`${reader}.weight`, cutInputs(result.get(`${reader}.weight`)!, kept));
  }
  return result;
}

function cutOutputs({ shape, data }: WeightTensor, kept: number): WeightTensor {
  return { shape: [kept, ...shape.slice(1)], data: data.slice(0, (data.length / shape[0]!) * kept) };
}

function cutInputs({ shape, data }: WeightTensor, kept: number): WeightTensor {
  const [outputs = 0, inputs = 0, ...window] = shape;
  const row = data.length / outputs;
  const length = (row / inputs) * kept;
  const cut = new Float32Array(outputs * length);
  for (let o = 0; o < outputs; o++) cut.set(data.subarray(o * row, o * row + length), o * length);
  return { shape: [outputs, kept, ...window], data: cut };
}
