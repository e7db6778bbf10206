// SPDX-License-Identifier: MIT
import type { Pose, StampedPose } from '../odometry/Pose.ts';
import { isFinitePose } from '../odometry/se3.ts';
import { type AlignmentKind, PairMoments } from './alignment.ts';
import { ReferenceTrack } from './ReferenceTrack.ts';

export interface AteSummary {
  rmseM: number;
  alignment: AlignmentKind;
  /** Poses that had a reference. */
  poses: number;
}

/** The RMSE of the absolute trajectory error while the poses pass by: constant memory, the same value as evaluateTrajectory with interpolated reference. */
export class AteAccumulator {
  readonly #track: ReferenceTrack;
  readonly #moments = new PairMoments();

  /** @param groundTruth T_world_camera, metres */
  constructor(groundTruth: readonly StampedPose[]) {
    this.#track = new ReferenceTrack(groundTruth);
  }

  /** Takes a final pose; one without ground truth at its time is passed over. */
  add(stampNs: bigint, T_world_camera: Pose): void {
    const reference = this.#track.at(stampNs);
    if (reference && isFinitePose(T_world_camera)) this.#moments.add(T_world_camera.t, reference.t);
  }

  /** Undefined when fewer than 3 poses had a reference or nothing moved. */
  summary(alignment: AlignmentKind = 'sim3'): AteSummary | undefined {
    const result = this.#moments.solve(alignment);
    return result.ok ? { rmseM: result.alignment.rmseM, alignment, poses: this.#moments.count } : undefined;
  }
}

/** The same for poses at hand. */
export function summarizeAte(
  poses: readonly StampedPose[],
  groundTruth: readonly StampedPose[],
  alignment: AlignmentKind = 'sim3',
): AteSummary | undefined {
  const accumulator = new AteAccumulator(groundTruth);
  for (const pose of poses) accumulator.add(pose.stampNs, pose);
  return accumulator.summary(alignment);
}
