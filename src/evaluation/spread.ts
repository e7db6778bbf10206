// SPDX-License-Identifier: MIT

/** Infinity, which JSON shows as null, stands for a run that has no such number. */
export interface Spread {
  median: number;
  min: number;
  max: number;
}

/** Of at least one value; a value that is not there counts as greater than any. */
export function spreadOf(values: readonly (number | undefined)[]): Spread {
  const sorted = values.map((value) => value ?? Number.POSITIVE_INFINITY).sort((a, b) => (a === b ? 0 : a - b));
  const middle = (sorted.length - 1) / 2;
  const [low, high] = [sorted[Math.floor(middle)]!, sorted[Math.ceil(middle)]!];
  return { median: (low + high) / 2, min: sorted[0]!, max: sorted.at(-1)! };
}
