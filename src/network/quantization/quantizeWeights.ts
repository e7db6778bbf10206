// SPDX-License-Identifier: MIT
import type { Int8Tensor } from '../weights/RuntimeTensors.ts';
import type { WeightTensor } from '../weights/Weights.ts';

/** Weights use -127..127, so that the range is symmetric. */
export const WEIGHT_LIMIT = 127;

/** The nearest whole number, the even one of two. */
export function roundHalfEven(value: number): number {
  const up = Math.round(value);
  return up - value === 0.5 && up % 2 !== 0 ? up - 1 : up;
}

/** round(x / scale), ties to even, kept within the limits. The quotient is in single precision, as in the networks. */
export function quantize(value: number, scale: number, low: number, high: number): number {
  return Math.min(high, Math.max(low, roundHalfEven(Math.fround(value / scale))));
}

/** A tensor [outputs][...] in int8, with one scale per output. */
export function quantizeWeights({ shape, data }: WeightTensor, scales: Float32Array): Int8Tensor {
  const perOutput = data.length / scales.length;
  return {
    shape,
    data: Int8Array.from(data, (value, at) =>
      quantize(value, scales[Math.floor(at / perOutput)]!, -WEIGHT_LIMIT, WEIGHT_LIMIT),
    ),
  };
}
