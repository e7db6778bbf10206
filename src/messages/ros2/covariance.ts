// SPDX-License-Identifier: MIT

/**
 * A covariance [6][6], row-major, with this diagonal: x y z, rotations about X Y Z (REP 103).
 *
 * @param variances six values, or one for all
 */
export function diagonalCovariance(variances: number | readonly number[]): Float64Array {
  const covariance = new Float64Array(36);
  for (let i = 0; i < 6; i++) covariance[7 * i] = typeof variances === 'number' ? variances : (variances[i] ?? 0);
  return covariance;
}
