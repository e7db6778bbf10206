// SPDX-License-Identifier: MIT
import type { PosePair } from './associate.ts';

/** Metres travelled by the reference up to each pair, from 0. A jump between segments does not count as travel. */
export function pathLengthM(pairs: readonly PosePair[]): Float64Array {
  const length = new Float64Array(pairs.length);
  for (let i = 1; i < pairs.length; i++) {
    const a = pairs[i - 1]!;
    const b = pairs[i]!;
    const p = a.reference.t;
    const q = b.reference.t;
    const step = a.segment === b.segment ? Math.hypot(q[0] - p[0], q[1] - p[1], q[2] - p[2]) : 0;
    length[i] = length[i - 1]! + step;
  }
  return length;
}
