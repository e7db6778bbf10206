// SPDX-License-Identifier: MIT
import type { Pose, StampedPose } from '../odometry/Pose.ts';
import { DEFAULT_MAX_GAP_S, ReferenceTrack } from './ReferenceTrack.ts';

/** A pose of the trajectory under test. Scale is only common within a segment (0 when absent). */
export interface EstimatedPose extends StampedPose {
  segment?: number;
}

/** One moment of both trajectories. */
export interface PosePair {
  stampNs: bigint;
  segment: number;
  estimate: Pose;
  reference: Pose;
}

/**
 * `interpolate`: the reference pose at the very stamp of the estimate, between neighbours at most `maxGapS` apart. Right for a dense reference.
 * `nearest`: the reference pose nearest in time, at most `maxDifferenceS` away, each used once. Right when the reference was taken with the images.
 */
export interface AssociateOptions {
  method?: 'interpolate' | 'nearest';
  /** Seconds; 0.2 when absent. */
  maxGapS?: number;
  /** Seconds; 0.02 when absent. */
  maxDifferenceS?: number;
}

export const DEFAULT_MAX_DIFFERENCE_S = 0.02;

/** Pairs in the order of time. Poses without a partner are left out. */
export function associate(
  estimate: readonly EstimatedPose[],
  reference: readonly StampedPose[],
  options: AssociateOptions = {},
): PosePair[] {
  const track = new ReferenceTrack(reference, options.maxGapS ?? DEFAULT_MAX_GAP_S);
  const pairs =
    options.method === 'nearest'
      ? pairNearest(estimate, track, BigInt(Math.round((options.maxDifferenceS ?? DEFAULT_MAX_DIFFERENCE_S) * 1e9)))
      : pairInterpolated(estimate, track);
  return pairs.sort((a, b) => (a.stampNs < b.stampNs ? -1 : a.stampNs > b.stampNs ? 1 : 0));
}

function pairInterpolated(estimate: readonly EstimatedPose[], track: ReferenceTrack): PosePair[] {
  return estimate.flatMap((pose) => {
    const reference = track.at(pose.stampNs);
    return reference ? [pairOf(pose, reference)] : [];
  });
}

/** Closest pairs are made first, so a reference pose goes to the estimate that is nearest to it. */
function pairNearest(estimate: readonly EstimatedPose[], track: ReferenceTrack, maxDifferenceNs: bigint): PosePair[] {
  const candidates: { estimate: number; reference: number; differenceNs: number }[] = [];
  estimate.forEach((pose, e) => {
    for (let r = track.firstAtOrAfter(pose.stampNs - maxDifferenceNs); r < track.poses.length; r++) {
      const differenceNs = track.poses[r]!.stampNs - pose.stampNs;
      if (differenceNs > maxDifferenceNs) break;
      candidates.push({ estimate: e, reference: r, differenceNs: Math.abs(Number(differenceNs)) });
    }
  });
  candidates.sort((a, b) => a.differenceNs - b.differenceNs || a.estimate - b.estimate || a.reference - b.reference);
  const usedEstimates = new Set<number>();
  const usedReferences = new Set<number>();
  const pairs: PosePair[] = [];
  for (const candidate of candidates) {
    if (usedEstimates.has(candidate.estimate) || usedReferences.has(candidate.reference)) continue;
    usedEstimates.add(candidate.estimate);
    usedReferences.add(candidate.reference);
    pairs.push(pairOf(estimate[candidate.estimate]!, track.poses[candidate.reference]!));
  }
  return pairs;
}

function pairOf(pose: EstimatedPose, reference: Pose): PosePair {
  return {
    stampNs: pose.stampNs,
    segment: pose.segment ?? 0,
    estimate: { t: pose.t, q: pose.q },
    reference: { t: reference.t, q: reference.q },
  };
}
