// SPDX-License-Identifier: MIT
import { ENCODER_LAYERS, UPDATE_LAYERS } from '../../src/network/quantization/quantizedLayers.ts';
import { type LayerScales, SCHEME, type Scales } from '../../src/network/quantization/readScales.ts';
import { encodeSafetensors } from '../../src/network/weights/safetensors.ts';
import { elementCount, type Weights, type WeightTensor } from '../../src/network/weights/Weights.ts';
import { randomNumbers } from './randomNetwork.ts';

/** Scales for all layers of a network but those of the groups left out: weights fit, about one input in a hundred is clamped. */
export function madeUpScales(weights: Weights, seed: number, without: readonly string[] = []): Scales {
  const random = randomNumbers(seed);
  const inputs = new Map<string, number>();
  const scales = new Map<string, LayerScales>();
  for (const { name, signed, group } of [...ENCODER_LAYERS, ...UPDATE_LAYERS]) {
    const tensor = weights.get(`${name}.weight`);
    if (tensor === undefined || without.includes(group)) continue;
    const input = inputs.get(group) ?? Math.fround((2 + random()) / (signed ? 127 : 255));
    inputs.set(group, input);
    scales.set(name, { input, weight: weightScales(tensor) });
  }
  return scales;
}

/** The largest weight of an output becomes 127. */
function weightScales({ shape, data }: WeightTensor): Float32Array {
  const perOutput = elementCount(shape.slice(1));
  return Float32Array.from({ length: shape[0]! }, (_, o) => {
    const row = data.subarray(o * perOutput, (o + 1) * perOutput);
    return row.reduce((most, value) => Math.max(most, Math.abs(value)), 0) / 127;
  });
}

/** Scales as the tensors of the file that training makes. */
export function scaleTensors(scales: Scales): Weights {
  return new Map(
    [...scales].flatMap(([name, { input, weight }]) => [
      [`${name}.input_scale`, { shape: [1], data: Float32Array.of(input) }] as const,
      [`${name}.weight_scale`, { shape: [weight.length], data: weight }] as const,
    ]),
  );
}

export function scalesFile(tensors: Weights, scheme: string = SCHEME): Buffer {
  return encodeSafetensors(tensors, { scheme });
}
