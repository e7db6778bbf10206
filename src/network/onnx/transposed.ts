// SPDX-License-Identifier: MIT

interface Matrix<Data> {
  /** [rows][columns], row-major. */
  shape: number[];
  data: Data;
}

/** A matrix [outputs][inputs] as [inputs][outputs]; row i of the result is column `columns[i]` of the matrix when given. */
export function transposed<Data extends Float32Array | Int8Array>(
  matrix: Matrix<Data>,
  columns?: Int32Array,
): Matrix<Data> {
  const [outputs = 0, inputs = 0] = matrix.shape;
  const data = matrix.data.slice() as Data;
  for (let i = 0; i < inputs; i++) {
    const column = columns === undefined ? i : columns[i]!;
    for (let o = 0; o < outputs; o++) data[i * outputs + o] = matrix.data[o * inputs + column]!;
  }
  return { shape: [inputs, outputs], data };
}
