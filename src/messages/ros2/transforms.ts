// SPDX-License-Identifier: MIT
import { CdrWriter } from '@foxglove/cdr';
import type { Pose } from '../../odometry/Pose.ts';
import { cdrFields } from '../cdrFields.ts';
import { readPose } from './readParts.ts';
import { writeHeader, writePose, writeText } from './writeParts.ts';

/** geometry_msgs/msg/TransformStamped. */
export interface StampedTransform {
  stampNs: bigint;
  frame: string;
  child: string;
  /** T_frame_child. */
  pose: Pose;
}

/** tf2_msgs/msg/TFMessage. */
export function encodeTransforms(transforms: readonly StampedTransform[]): Uint8Array {
  const cdr = new CdrWriter({ size: 16 + transforms.length * 160 });
  cdr.sequenceLength(transforms.length);
  for (const { stampNs, frame, child, pose } of transforms) {
    writeHeader(cdr, stampNs, frame);
    writeText(cdr, child);
    writePose(cdr, pose);
  }
  return cdr.data;
}

/**
 * Reads a tf2_msgs/msg/TFMessage; numbers are not judged.
 *
 * @throws QpvoError QPVO_SOURCE_CORRUPT when the bytes end too early
 */
export function readTransforms(message: Uint8Array): StampedTransform[] {
  return cdrFields(message).sequence((fields) => {
    const { stampNs, frameId } = fields.header();
    return { stampNs, frame: frameId, child: fields.string(), pose: readPose(fields) };
  });
}
