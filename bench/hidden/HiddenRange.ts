// SPDX-License-Identifier: MIT
import { medianOf } from '../statistics.ts';

/** What the hidden state is like after an image: values of all pairs that the last update wrote. */
export interface HiddenRange {
  /** Greatest magnitude. */
  peak: number;
  rms: number;
  /** Values that are not finite. */
  bad: number;
}

export function rangeOf(hidden: Float32Array): HiddenRange {
  let peak = 0;
  let sum = 0;
  let bad = 0;
  for (const value of hidden) {
    if (Number.isFinite(value)) {
      peak = Math.max(peak, Math.abs(value));
      sum += value * value;
    } else bad++;
  }
  return { peak, rms: Math.sqrt(sum / Math.max(1, hidden.length - bad)), bad };
}

/** Whether a range drifts: its median over the last quarter of the images beside that over the second quarter (the first holds the start). */
export interface Drift {
  second: number;
  last: number;
  ratio: number;
}

export function driftOf(values: readonly number[]): Drift {
  const quarter = Math.floor(values.length / 4);
  const second = medianOf(values.slice(quarter, 2 * quarter));
  const last = medianOf(values.slice(-quarter));
  return { second, last, ratio: last / second };
}
