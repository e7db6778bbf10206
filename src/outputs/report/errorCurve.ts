// SPDX-License-Identifier: MIT
import type { PoseError } from '../../evaluation/ate.ts';
import { quantile } from '../../evaluation/statistics.ts';
import type { Curve } from './thin.ts';

/** Steps longer than this many usual ones interrupt a curve. */
const GAP_STEPS = 4;

/** The error of each pose over time, interrupted where poses are missing. */
export function errorCurve(errors: readonly PoseError[], secondsAt: (stampNs: bigint) => number): Curve {
  const curve: Curve = { x: [], y: [] };
  const at = errors.map(({ stampNs }) => secondsAt(stampNs));
  const steps = at
    .slice(1)
    .map((s, i) => s - at[i]!)
    .sort((a, b) => a - b);
  const usualS = steps.length > 0 ? quantile(steps, 0.5) : 0;
  errors.forEach(({ errorM }, i) => {
    if (i > 0 && at[i]! - at[i - 1]! > GAP_STEPS * usualS) {
      curve.x.push(at[i]!);
      curve.y.push(Number.NaN);
    }
    curve.x.push(at[i]!);
    curve.y.push(errorM);
  });
  return curve;
}
