// SPDX-License-Identifier: MIT
import { encoderTensors, updateTensors } from '../../src/network/weights/expectedTensors.ts';
import type { NetworkSizes } from '../../src/network/weights/networkSizes.ts';
import { elementCount, type Weights } from '../../src/network/weights/Weights.ts';

/** Sizes small enough for plain loops. */
export const TINY: NetworkSizes = {
  inputChannels: 1,
  width: 4,
  featureDim: 8,
  hiddenDim: 16,
  patchSize: 3,
  radius: 3,
  levels: [1, 4],
};

/** The same with as many features as a model needs that can be imported and run. */
export const TINY_MODEL: NetworkSizes = { ...TINY, featureDim: 16 };

/** A repeatable source of numbers, uniform in [0, 1). */
export function randomNumbers(seed: number): () => number {
  let state = seed >>> 0 || 1;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Weights of a random network: products keep the scale of their input, norms are near the identity. */
export function randomWeights(sizes: NetworkSizes, seed: number): Weights {
  const random = randomNumbers(seed);
  const weights: Weights = new Map();
  for (const [name, shape] of [...encoderTensors(sizes), ...updateTensors(sizes)]) {
    const spread = shape.length === 1 ? 0.3 : Math.sqrt(3 / elementCount(shape.slice(1)));
    const centre = shape.length === 1 && name.endsWith('weight') ? 1 : 0;
    weights.set(name, {
      shape,
      data: Float32Array.from({ length: elementCount(shape) }, () => centre + spread * (2 * random() - 1)),
    });
  }
  return weights;
}
