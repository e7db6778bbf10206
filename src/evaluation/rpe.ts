// SPDX-License-Identifier: MIT
import type { Pose } from '../odometry/Pose.ts';
import { angleRad, compose, inverse } from '../odometry/se3.ts';
import type { PosePair } from './associate.ts';
import { pathLengthM } from './pathLength.ts';
import { type ErrorStatistics, statisticsOf } from './statistics.ts';

const DEG = 180 / Math.PI;
/** How far the interval of a pair may be from the wanted one, as a share of it. */
const INTERVAL_TOLERANCE = 0.1;

/** A step over which relative errors are taken: so many seconds, or so many metres along the reference. */
export interface RelativeStep {
  over: 'time' | 'distance';
  /** Seconds or metres. */
  value: number;
}

/** Relative pose error over one step (Sturm et al. 2012, section VI-A; over distance as in Geiger et al. 2012). */
export interface RelativeError {
  step: RelativeStep;
  translationM: ErrorStatistics;
  rotationDeg: ErrorStatistics;
  /** Sum of the errors over the sum of the distances travelled; undefined when the reference stands still. */
  translationPercent: number | undefined;
  rotationDegPerM: number | undefined;
}

/**
 * Errors of the relative motions between pairs one step apart, all starts. Motions never span two segments.
 * @param scale metres per unit of the estimate
 * @returns undefined when no two pairs are one step apart
 */
export function relativeError(
  pairs: readonly PosePair[],
  scale: number,
  step: RelativeStep,
): RelativeError | undefined {
  const lengthM = pathLengthM(pairs);
  const at = step.over === 'time' ? secondsOf(pairs) : lengthM;
  const errorsM: number[] = [];
  const errorsDeg: number[] = [];
  let travelledM = 0;
  let end = 0;
  for (let start = 0; start < pairs.length; start++) {
    end = Math.max(end, start);
    end = endOfStep(at, start, end, step);
    const a = pairs[start]!;
    const b = pairs[end];
    if (!b || a.segment !== b.segment) continue;
    if (Math.abs(at[end]! - at[start]! - step.value) > INTERVAL_TOLERANCE * step.value) continue;
    const error = compose(inverse(motion(a.reference, b.reference, 1)), motion(a.estimate, b.estimate, scale));
    errorsM.push(Math.hypot(...error.t));
    errorsDeg.push(angleRad(error.q) * DEG);
    travelledM += lengthM[end]! - lengthM[start]!;
  }
  if (errorsM.length === 0) return undefined;
  const translationM = statisticsOf(errorsM);
  const rotationDeg = statisticsOf(errorsDeg);
  const perMetre = (mean: number) => (travelledM > 0 ? (mean * errorsM.length) / travelledM : undefined);
  const share = perMetre(translationM.mean);
  return {
    step,
    translationM,
    rotationDeg,
    translationPercent: share === undefined ? undefined : share * 100,
    rotationDegPerM: perMetre(rotationDeg.mean),
  };
}

/** The first pair at least one step on; over time the one before it when that is nearer. */
function endOfStep(at: Float64Array, start: number, from: number, step: RelativeStep): number {
  const target = at[start]! + step.value;
  let end = from;
  while (end < at.length && at[end]! < target) end++;
  if (step.over === 'time' && end > start + 1 && (end === at.length || target - at[end - 1]! < at[end]! - target))
    end--;
  return end;
}

function secondsOf(pairs: readonly PosePair[]): Float64Array {
  return Float64Array.from(pairs, (pair) => Number(pair.stampNs - pairs[0]!.stampNs) / 1e9);
}

/** T_a_b with its translation scaled. */
function motion(a: Pose, b: Pose, scale: number): Pose {
  const relative = compose(inverse(a), b);
  return { t: [scale * relative.t[0], scale * relative.t[1], scale * relative.t[2]], q: relative.q };
}

/** One second, and 1, 2, 5, 10, ... metres up to half of the path. */
export function usualSteps(pathM: number): RelativeStep[] {
  const steps: RelativeStep[] = [{ over: 'time', value: 1 }];
  for (let decade = 1; decade <= 1000; decade *= 10) {
    for (const digit of [1, 2, 5]) {
      if (digit * decade <= pathM / 2) steps.push({ over: 'distance', value: digit * decade });
    }
  }
  return steps;
}
