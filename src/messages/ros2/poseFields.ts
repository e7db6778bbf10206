// SPDX-License-Identifier: MIT
import { QpvoError } from '../../error.ts';
import type { Pose } from '../../odometry/Pose.ts';

/** Norm of a quaternion that was typed or rounded to three digits. */
const NORM_TOLERANCE = 1e-2;

/**
 * The pose in the fields of a geometry_msgs/Pose, as a service request has it; the quaternion is normalised. A quaternion of zeros, which is what
 * `{position: {x: 1.0}}` on a command line may leave, is refused like every other that is no rotation.
 *
 * @throws QpvoError QPVO_PARAMETER when a number is missing or not finite, or the quaternion is no unit quaternion
 */
export function poseFromFields(fields: unknown): Pose {
  const { position, orientation } = (fields ?? {}) as Record<string, Record<string, unknown> | undefined>;
  const t = (['x', 'y', 'z'] as const).map((axis) => position?.[axis]);
  const q = (['x', 'y', 'z', 'w'] as const).map((axis) => orientation?.[axis]);
  const norm = Math.hypot(...q.map(Number));
  if (![...t, ...q].every(Number.isFinite) || Math.abs(norm - 1) > NORM_TOLERANCE) {
    throw new QpvoError('QPVO_PARAMETER', {
      what: 'not a pose',
      expected: 'a finite position and a unit quaternion (x y z w; no rotation is 0 0 0 1)',
      received: `position ${t.join(' ')}, orientation ${q.join(' ')}`,
    });
  }
  return { t: t as Pose['t'], q: q.map((value) => Number(value) / norm) as Pose['q'] };
}
