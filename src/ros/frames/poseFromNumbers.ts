// SPDX-License-Identifier: MIT
import { QpvoError } from '../../error.ts';
import type { Pose } from '../../odometry/Pose.ts';
import { compose, exp, isFinitePose, type Vec3 } from '../../odometry/se3.ts';
import { unitPose } from './unitPose.ts';

/**
 * A transform as people write it.
 * @param numbers x y z roll pitch yaw (m, rad; fixed axes X, then Y, then Z, as REP-103 and URDF have them), or x y z qx qy qz qw
 * @throws QpvoError QPVO_PARAMETER
 */
export function poseFromNumbers(numbers: readonly number[]): Pose {
  const pose = numbers.length === 7 ? fromQuaternion(numbers) : numbers.length === 6 ? fromAngles(numbers) : undefined;
  if (pose !== undefined && isFinitePose(pose)) return pose;
  throw new QpvoError('QPVO_PARAMETER', {
    what: 'the numbers are no transform',
    expected: 'x y z roll pitch yaw (metres, radians), or x y z qx qy qz qw with a quaternion of length 1',
    received: numbers.length === 0 ? 'no numbers' : numbers.join(' '),
    advice: 'Degrees have to be turned into radians; the camera frame is the optical one (z forward, x right, y down).',
  });
}

function fromQuaternion([x, y, z, qx, qy, qz, qw]: readonly number[]): Pose | undefined {
  return unitPose({ t: [x!, y!, z!], q: [qx!, qy!, qz!, qw!] });
}

function fromAngles([x, y, z, roll, pitch, yaw]: readonly number[]): Pose | undefined {
  const turn = (axis: Vec3) => exp([0, 0, 0, ...axis]);
  const { q } = compose(turn([0, 0, yaw!]), compose(turn([0, pitch!, 0]), turn([roll!, 0, 0])));
  return Math.max(Math.abs(roll!), Math.abs(pitch!), Math.abs(yaw!)) <= MAX_ANGLE_RAD
    ? { t: [x!, y!, z!], q }
    : undefined;
}

/** Larger angles were meant as degrees. */
const MAX_ANGLE_RAD = 2 * Math.PI;
