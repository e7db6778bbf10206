// SPDX-License-Identifier: MIT
import { associate, type EstimatedPose } from '../../src/evaluation/associate.ts';
import * as evaluation from '../../src/evaluation/trajectoryErrors.ts';
import type { StampedPose } from '../../src/odometry/Pose.ts';
import { distanceM, pathM } from './Case.ts';

/** A camera stands still while its ground truth stays within this share of the median depth of the scene. */
const STILL_SHARE_OF_DEPTH = 0.001;
/** Longest part of a standstill that is looked at, seconds. */
const STANDSTILL_S = 10;
/** A shorter one is a turning point of the path. */
const LEAST_STANDSTILL_S = 1;
/** Share of the standstill, in time, for which the estimate must be there. */
const LEAST_COVERED_SHARE = 0.95;

/** Errors after one Sim(3) alignment of the whole trajectory, all segments together. */
export interface TrajectoryErrors extends evaluation.TrajectoryErrors {
  standstill?: Standstill;
  /** Way of the camera by its ground truth while there were poses. Absent in results of before it was kept. */
  coveredPathM?: number;
}

/** How far the estimate strays, at most, from where it was at the beginning of a standstill, in metres by the scale of the alignment. */
export interface Standstill {
  seconds: number;
  driftM: number;
}

/** @returns undefined when there are too few poses, or nothing moves */
export function trajectoryErrors(
  estimate: readonly EstimatedPose[],
  groundTruth: readonly StampedPose[],
  medianDepthM?: number,
): TrajectoryErrors | undefined {
  const found = evaluation.evaluateIfPossible(estimate, groundTruth);
  if (found === undefined) return undefined;
  const { scale } = found.overall.alignment;
  const still = medianDepthM === undefined ? undefined : standstill(estimate, groundTruth, scale, medianDepthM);
  const covered = associate(estimate, groundTruth).map(({ reference }) => reference.t);
  return { ...evaluation.trajectoryErrors(found), coveredPathM: pathM(covered), ...(still && { standstill: still }) };
}

/**
 * Drift in the longest standstill.
 *
 * @param scale metres per unit of the estimate
 * @returns undefined when the camera stands for less than LEAST_STANDSTILL_S at a time, or when the estimate is not there, in one segment, for nearly all of the standstill
 */
export function standstill(
  estimate: readonly EstimatedPose[],
  groundTruth: readonly StampedPose[],
  scale: number,
  medianDepthM: number,
): Standstill | undefined {
  const still = longestStill(groundTruth, STILL_SHARE_OF_DEPTH * medianDepthM);
  const [from, to] = [still[0], still.at(-1)];
  if (from === undefined || to === undefined || secondsOf(still) < LEAST_STANDSTILL_S) return undefined;
  const inside = associate(estimate, groundTruth).filter(
    ({ stampNs }) => stampNs >= from.stampNs && stampNs <= to.stampNs,
  );
  const [first] = inside;
  const isCovered = secondsOf(inside) >= LEAST_COVERED_SHARE * secondsOf(still);
  if (first === undefined || !isCovered || inside.some(({ segment }) => segment !== first.segment)) return undefined;
  return {
    seconds: secondsOf(inside),
    driftM: Math.max(...inside.map((pair) => scale * distanceM(pair.estimate.t, first.estimate.t))),
  };
}

/** The poses of the longest stretch, of at most STANDSTILL_S, that stays near its first pose. */
function longestStill(poses: readonly StampedPose[], toleranceM: number): readonly StampedPose[] {
  let longest: readonly StampedPose[] = [];
  for (let start = 0; start < poses.length; start++) {
    const first = poses[start]!;
    const length = poses
      .slice(start)
      .findIndex(
        ({ stampNs, t }) => Number(stampNs - first.stampNs) / 1e9 > STANDSTILL_S || distanceM(t, first.t) > toleranceM,
      );
    const still = poses.slice(start, length < 0 ? poses.length : start + length);
    if (secondsOf(still) > secondsOf(longest)) longest = still;
  }
  return longest;
}

function secondsOf(poses: readonly { stampNs: bigint }[]): number {
  return poses.length === 0 ? 0 : Number(poses.at(-1)!.stampNs - poses[0]!.stampNs) / 1e9;
}
