// SPDX-License-Identifier: MIT
import { QpvoError } from '../../error.ts';
import type { Tangent } from '../../odometry/se3.ts';
import { cdrFields } from '../cdrFields.ts';
import { readVelocity } from './readParts.ts';

/** Messages with a velocity and the time it holds at. */
export const TWIST_TYPES = ['geometry_msgs/msg/TwistStamped', 'geometry_msgs/msg/TwistWithCovarianceStamped'] as const;

export type TwistType = (typeof TWIST_TYPES)[number];

export interface TwistMessage {
  stampNs: bigint;
  /** The frame that the velocity is given in. */
  frame: string;
  /** Linear (m/s), angular (rad/s). */
  twist: Tangent;
}

/**
 * The velocity of a message; its covariance is not read.
 *
 * @throws QpvoError QPVO_TOPIC for another type, QPVO_SOURCE_CORRUPT when the bytes end too early
 */
export function readTwist(message: Uint8Array, type: TwistType): TwistMessage {
  // Both begin alike: header, then twist.
  if (!TWIST_TYPES.includes(type)) {
    throw new QpvoError('QPVO_TOPIC', {
      what: 'not a velocity with a stamp',
      expected: TWIST_TYPES.join(' or '),
      received: JSON.stringify(type),
    });
  }
  const fields = cdrFields(message);
  const { stampNs, frameId } = fields.header();
  return { stampNs, frame: frameId, twist: readVelocity(fields) };
}
