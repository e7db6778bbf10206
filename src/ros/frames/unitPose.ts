// SPDX-License-Identifier: MIT
import type { Pose } from '../../odometry/Pose.ts';
import { isFinitePose } from '../../odometry/se3.ts';

/** People write quaternions with four digits; what is farther from length 1 is a mistake. */
const MAX_LENGTH_ERROR = 1e-3;

/** The pose with a quaternion of length 1; undefined when it is no transform: numbers that are none, a quaternion whose length is not 1. */
export function unitPose(pose: Pose): Pose | undefined {
  if (!isFinitePose(pose)) return undefined;
  const [x, y, z, w] = pose.q;
  const length = Math.hypot(x, y, z, w);
  if (!(Math.abs(length - 1) <= MAX_LENGTH_ERROR)) return undefined;
  return { t: [...pose.t], q: [x / length, y / length, z / length, w / length] };
}
