// SPDX-License-Identifier: MIT
import type { OdometryMessage } from '../../messages/ros2/encode.ts';
import type { Pose, StampedPose } from '../../odometry/Pose.ts';
import { compose, inverse, meanTwist, type Tangent } from '../../odometry/se3.ts';

const STILL: Tangent = [0, 0, 0, 0, 0, 0];
/** Poses farther apart than this have a gap between them, over which no velocity is told. */
const LONGEST_STEP_S = 0.5;
const ZEROS = new Float64Array(36);

/**
 * Ground truth as odometry messages: the pose of the child frame in the world of the recording, and its velocity from the pose before, in the child frame.
 *
 * @param T_child_camera where the camera sits on the child frame; identity when the child frame is the camera
 */
export function groundTruthMessages(
  T_world_camera: readonly StampedPose[],
  T_child_camera: Pose,
  frame: string,
  childFrame: string,
): OdometryMessage[] {
  const T_camera_child = inverse(T_child_camera);
  const poses = T_world_camera.map(({ stampNs, t, q }) => ({ stampNs, pose: compose({ t, q }, T_camera_child) }));
  return poses.map(({ stampNs, pose }, i) => {
    const before = poses[i - 1] ?? poses[i + 1];
    return {
      stampNs,
      frame,
      childFrame,
      pose,
      poseCovariance: ZEROS,
      twist: before === undefined ? STILL : velocity(before, { stampNs, pose }),
      twistCovariance: ZEROS,
    };
  });
}

interface Moment {
  stampNs: bigint;
  pose: Pose;
}

/** Velocity between two poses in the frame that moves; the two may stand in either order. */
function velocity(a: Moment, b: Moment): Tangent {
  const stepS = Number(b.stampNs - a.stampNs) / 1e9;
  if (stepS === 0 || Math.abs(stepS) > LONGEST_STEP_S) return STILL;
  return meanTwist(a.pose, b.pose, stepS);
}
