// SPDX-License-Identifier: MIT

/** A dense tensor in fp32, row-major (last dimension fastest), whatever type it was stored in. */
export interface WeightTensor {
  shape: number[];
  data: Float32Array;
}

/** Tensors by name, in the order of the file. */
export type Weights = Map<string, WeightTensor>;

/** Number of elements of a shape; 1 for a scalar. */
export function elementCount(shape: readonly number[]): number {
  return shape.reduce((product, length) => product * length, 1);
}
