// SPDX-License-Identifier: MIT
import type { Pose } from '../../odometry/Pose.ts';
import type { Tangent } from '../../odometry/se3.ts';
import type { CdrFields } from '../cdrFields.ts';

/** geometry_msgs/Pose and geometry_msgs/Transform, as they stand: numbers may be anything. */
export function readPose(fields: CdrFields): Pose {
  const [x, y, z, qx, qy, qz, qw] = fields.float64Array(7) as [number, number, number, number, number, number, number];
  return { t: [x, y, z], q: [qx, qy, qz, qw] };
}

/** geometry_msgs/Twist: linear (m/s), then angular (rad/s). */
export function readVelocity(fields: CdrFields): Tangent {
  return fields.float64Array(6) as Tangent;
}
