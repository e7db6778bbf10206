// SPDX-License-Identifier: MIT
// 6x6 matrices, row-major in 36 numbers, as ROS messages have them.

/** Diagonal variance that ROS odometry sources give while they are lost. */
const LOST_VARIANCE = 9999;

/** Pose or twist covariance of a robot that does not know: 9999 (m^2, rad^2 or per s^2) on the diagonal. */
export const LOST_COVARIANCE: readonly number[] = Object.freeze(
  Array.from({ length: 36 }, (_, i) => (i % 7 === 0 ? LOST_VARIANCE : 0)),
);

/** J C J^T, exactly symmetric when C is. */
export function carry(J: ArrayLike<number>, C: ArrayLike<number>): Float64Array {
  return symmetric(product(product(J, C), transposed(J)));
}

/** (C + C^T) / 2 */
export function symmetric(C: ArrayLike<number>): Float64Array {
  return Float64Array.from({ length: 36 }, (_, i) => (C[i]! + C[transposedIndex(i)]!) / 2);
}

/** Adds variances to the diagonal: one for x y z, one for the rotations. */
export function addVariance(C: Float64Array, position: number, rotation: number): Float64Array {
  return C.map((value, i) => (i % 7 !== 0 ? value : value + (i < 18 ? position : rotation)));
}

/** Shrinks what is wider than these standard deviations; what was positive definite stays so. */
export function limitDeviation(C: Float64Array, position: number, rotation: number): Float64Array {
  const factor = Array.from({ length: 6 }, (_, i) => {
    const limit = i < 3 ? position : rotation;
    return Math.min(1, limit / Math.sqrt(Math.max(C[7 * i]!, Number.MIN_VALUE)));
  });
  return C.map((value, i) => value * (factor[Math.floor(i / 6)]! * factor[i % 6]!));
}

/** True when a Cholesky factor exists in double precision. */
export function isPositiveDefinite(C: ArrayLike<number>): boolean {
  const L = new Float64Array(36);
  for (let row = 0; row < 6; row++) {
    for (let column = 0; column <= row; column++) {
      let sum = C[6 * row + column]!;
      for (let k = 0; k < column; k++) sum -= L[6 * row + k]! * L[6 * column + k]!;
      if (row === column && !(sum > 0 && sum < Number.POSITIVE_INFINITY)) return false;
      L[6 * row + column] = row === column ? Math.sqrt(sum) : sum / L[7 * column]!;
    }
  }
  return true;
}

/** A diagonal matrix that is nowhere smaller than the symmetric C (Gershgorin): D - C is diagonally dominant. */
export function diagonalBound(C: ArrayLike<number>): Float64Array {
  const bound = new Float64Array(36);
  for (let i = 0; i < 36; i++) bound[7 * Math.floor(i / 6)]! += Math.abs(C[i]!);
  return bound;
}

function transposedIndex(i: number): number {
  return 6 * (i % 6) + Math.floor(i / 6);
}

function transposed(A: ArrayLike<number>): Float64Array {
  return Float64Array.from({ length: 36 }, (_, i) => A[transposedIndex(i)]!);
}

function product(A: ArrayLike<number>, B: ArrayLike<number>): Float64Array {
  const out = new Float64Array(36);
  for (let i = 0; i < 36; i++) {
    const row = 6 * Math.floor(i / 6);
    for (let k = 0; k < 6; k++) out[i]! += A[row + k]! * B[6 * k + (i % 6)]!;
  }
  return out;
}
