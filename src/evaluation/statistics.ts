// SPDX-License-Identifier: MIT

/** Statistics of a list of errors, in the unit of the errors. */
export interface ErrorStatistics {
  count: number;
  rmse: number;
  mean: number;
  median: number;
  /** Population standard deviation. */
  std: number;
  min: number;
  max: number;
}

/** The value below which a share of the values lies, linear between neighbours; `sorted` ascends and has at least one value. */
export function quantile(sorted: ArrayLike<number>, share: number): number {
  const at = share * (sorted.length - 1);
  const low = sorted[Math.floor(at)] as number;
  const high = sorted[Math.ceil(at)] as number;
  return low + (at - Math.floor(at)) * (high - low);
}

/** Statistics of at least one finite value. */
export function statisticsOf(values: ArrayLike<number>): ErrorStatistics {
  const sorted = Float64Array.from(values).sort();
  let sum = 0;
  let squares = 0;
  for (const value of sorted) {
    sum += value;
    squares += value * value;
  }
  const mean = sum / sorted.length;
  let deviation = 0;
  for (const value of sorted) deviation += (value - mean) ** 2;
  return {
    count: sorted.length,
    rmse: Math.sqrt(squares / sorted.length),
    mean,
    median: quantile(sorted, 0.5),
    std: Math.sqrt(deviation / sorted.length),
    min: sorted[0] as number,
    max: sorted[sorted.length - 1] as number,
  };
}
