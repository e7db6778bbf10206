// SPDX-License-Identifier: MIT
import type { Pose, StampedPose } from '../odometry/Pose.ts';
import { interpolate, isFinitePose } from '../odometry/se3.ts';

/** Longest gap between two reference poses that is bridged, seconds. */
export const DEFAULT_MAX_GAP_S = 0.2;
/** Stamps this close count as the same moment where there is nothing to interpolate: at the ends, and at the rim of a gap. */
const SAME_MOMENT_NS = 1_000_000n;

/** A reference trajectory that can be asked for its pose at any time. Sorted by stamp; repeated stamps and poses that are not finite are left out. */
export class ReferenceTrack {
  readonly poses: readonly StampedPose[];
  readonly #maxGapNs: bigint;

  constructor(poses: readonly StampedPose[], maxGapS = DEFAULT_MAX_GAP_S) {
    const sorted = poses
      .filter(isFinitePose)
      .sort((a, b) => (a.stampNs < b.stampNs ? -1 : a.stampNs > b.stampNs ? 1 : 0));
    this.poses = sorted.filter((pose, i) => i === 0 || pose.stampNs !== sorted[i - 1]!.stampNs);
    this.#maxGapNs = BigInt(Math.round(maxGapS * 1e9));
  }

  /** Index of the first pose at or after a stamp; the number of poses when there is none. */
  firstAtOrAfter(stampNs: bigint): number {
    let low = 0;
    let high = this.poses.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.poses[middle]!.stampNs < stampNs) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** The pose at a stamp: translation linear and rotation by slerp between the neighbours; undefined outside of the track and within gaps. */
  at(stampNs: bigint): Pose | undefined {
    const i = this.firstAtOrAfter(stampNs);
    const after = this.poses[i];
    const before = this.poses[i - 1];
    if (after?.stampNs === stampNs) return after;
    if (before && after && after.stampNs - before.stampNs <= this.#maxGapNs) {
      const share = Number(stampNs - before.stampNs) / Number(after.stampNs - before.stampNs);
      return interpolate(before, after, share);
    }
    if (after && after.stampNs - stampNs <= SAME_MOMENT_NS) return after;
    if (before && stampNs - before.stampNs <= SAME_MOMENT_NS) return before;
    return undefined;
  }
}
