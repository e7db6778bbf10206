// SPDX-License-Identifier: MIT
import { quantile } from '../src/evaluation/statistics.ts';

/** NaN without values. */
export function medianOf(values: readonly number[]): number {
  return quantileOf(values, 0.5);
}

/** Linear between neighbours; NaN without values. */
export function quantileOf(values: readonly number[], share: number): number {
  return values.length === 0 ? Number.NaN : quantile(Float64Array.from(values).sort(), share);
}

/** Slope of the least-squares line through points with at least two different x; NaN without. */
export function slopeOf(points: readonly { x: number; y: number }[]): number {
  const n = points.length;
  const meanX = points.reduce((sum, { x }) => sum + x, 0) / n;
  const meanY = points.reduce((sum, { y }) => sum + y, 0) / n;
  let xx = 0;
  let xy = 0;
  for (const { x, y } of points) {
    xx += (x - meanX) ** 2;
    xy += (x - meanX) * (y - meanY);
  }
  return xy / xx;
}
