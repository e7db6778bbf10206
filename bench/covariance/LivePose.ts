// SPDX-License-Identifier: MIT
import type { Pose } from '../../src/odometry/Pose.ts';

/** A live pose of a run beside the true one. */
export interface LivePose {
  /** Index of the image in its sequence. */
  index: number;
  segment: number;
  /** T_world_camera, segment units. */
  estimate: Pose;
  /** T_world_camera, metres. */
  truth: Pose;
  /** Covariance of the estimate as the odometry tells it, [6][6]. */
  raw: Float64Array;
}
