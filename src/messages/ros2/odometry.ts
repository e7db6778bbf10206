// SPDX-License-Identifier: MIT
import { CdrWriter } from '@foxglove/cdr';
import type { Pose } from '../../odometry/Pose.ts';
import type { Tangent } from '../../odometry/se3.ts';
import { cdrFields } from '../cdrFields.ts';
import { readPose, readVelocity } from './readParts.ts';
import { writeHeader, writeNumbers, writePose, writeText } from './writeParts.ts';

/** nav_msgs/msg/Odometry. */
export interface OdometryMessage {
  stampNs: bigint;
  frame: string;
  childFrame: string;
  /** T_frame_childFrame. */
  pose: Pose;
  /** [6][6], row-major: x y z (m), rotations about the fixed axes of `frame` (rad). */
  poseCovariance: ArrayLike<number>;
  /** Velocity of the child frame in the child frame: linear (m/s), angular (rad/s). */
  twist: Tangent;
  /** [6][6], row-major, in the child frame. */
  twistCovariance: ArrayLike<number>;
}

const COVARIANCE = 36;

export function encodeOdometry(message: OdometryMessage): Uint8Array {
  const cdr = new CdrWriter({ size: 768 });
  writeHeader(cdr, message.stampNs, message.frame);
  writeText(cdr, message.childFrame);
  writePose(cdr, message.pose);
  writeNumbers(cdr, message.poseCovariance, COVARIANCE, 'pose.covariance');
  writeNumbers(cdr, message.twist, 6, 'twist');
  writeNumbers(cdr, message.twistCovariance, COVARIANCE, 'twist.covariance');
  return cdr.data;
}

/** @throws QpvoError QPVO_SOURCE_CORRUPT when the bytes end too early */
export function readOdometry(message: Uint8Array): OdometryMessage {
  const fields = cdrFields(message);
  const { stampNs, frameId } = fields.header();
  return {
    stampNs,
    frame: frameId,
    childFrame: fields.string(),
    pose: readPose(fields),
    poseCovariance: fields.float64Array(COVARIANCE),
    twist: readVelocity(fields),
    twistCovariance: fields.float64Array(COVARIANCE),
  };
}
