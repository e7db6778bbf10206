// SPDX-License-Identifier: MIT

/** Lower factor L of a symmetric positive definite [n][n] matrix L L^T; NaN where it is not positive definite. */
export function factorOf(A: ArrayLike<number>, n: number): Float64Array {
  const L = new Float64Array(n * n);
  for (let r = 0; r < n; r++) {
    for (let c = 0; c <= r; c++) {
      let v = A[r * n + c]!;
      for (let k = 0; k < c; k++) v -= L[r * n + k]! * L[c * n + k]!;
      L[r * n + c] = r === c ? Math.sqrt(v) : v / L[c * n + c]!;
    }
  }
  return L;
}

/** x of L x = b. */
export function solveLower(L: Float64Array, b: ArrayLike<number>, n: number): Float64Array {
  const x = new Float64Array(n);
  for (let r = 0; r < n; r++) {
    let v = b[r]!;
    for (let k = 0; k < r; k++) v -= L[r * n + k]! * x[k]!;
    x[r] = v / L[r * n + r]!;
  }
  return x;
}
