// SPDX-License-Identifier: MIT
import { quantile } from '../../evaluation/statistics.ts';

export interface RatioSpread {
  ratio: number;
  /** Relative standard deviation. */
  spread: number;
}

/** From the median absolute deviation to the standard deviation of normal noise. */
const SIGMA_PER_MAD = 1.4826;

/** Median of ratios and their spread by the median absolute deviation, both of logarithms: 2 and 1/2 are equally far from 1. At least one ratio, all above 0. */
export function robustRatio(ratios: readonly number[]): RatioSpread {
  const logs = ratios.map(Math.log);
  const centre = median(logs);
  return { ratio: Math.exp(centre), spread: SIGMA_PER_MAD * median(logs.map((v) => Math.abs(v - centre))) };
}

function median(values: readonly number[]): number {
  return quantile(Float64Array.from(values).sort(), 0.5);
}
