// SPDX-License-Identifier: MIT
import type { WeightTensor } from '../weights/Weights.ts';

/** A matrix [outputs][inputs] as [inputs][outputs]; row i of the result is column `columns[i]` of the matrix when given. */
export function transposed(matrix: WeightTensor, columns?: Int32Array): WeightTensor {
  const [outputs = 0, inputs = 0] = matrix.shape;
  const data = new Float32Array(inputs * outputs);
  for (let i = 0; i < inputs; i++) {
    const column = columns === undefined ? i : columns[i]!;
    for (let o = 0; o < outputs; o++) data[i * outputs + o] = matrix.data[o * inputs + column]!;
  }
  return { shape: [inputs, outputs], data };
}
