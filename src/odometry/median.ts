// SPDX-License-Identifier: MIT

/** The lower median of all values of the arrays; 0 when there are none. */
export function lowerMedian(arrays: readonly Float32Array[]): number {
  const all = new Float32Array(arrays.reduce((n, a) => n + a.length, 0));
  let at = 0;
  for (const array of arrays) {
    all.set(array, at);
    at += array.length;
  }
  all.sort();
  return all[(all.length - 1) >> 1] ?? 0;
}

/** Lower median of the lengths of flow vectors [n][2]. */
export function medianFlow(flow: Float32Array): number {
  const lengths = Float32Array.from({ length: flow.length / 2 }, (_, i) => Math.hypot(flow[2 * i]!, flow[2 * i + 1]!));
  return lowerMedian([lengths]);
}
