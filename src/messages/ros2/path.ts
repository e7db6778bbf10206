// SPDX-License-Identifier: MIT
import { CdrWriter } from '@foxglove/cdr';
import type { StampedPose } from '../../odometry/Pose.ts';
import { cdrFields } from '../cdrFields.ts';
import { readPose } from './readParts.ts';
import { writeHeader, writePose } from './writeParts.ts';

/** geometry_msgs/msg/PoseStamped. */
export function encodePoseStamped(frame: string, pose: StampedPose): Uint8Array {
  const cdr = new CdrWriter({ size: 128 });
  writeHeader(cdr, pose.stampNs, frame);
  writePose(cdr, pose);
  return cdr.data;
}

/** nav_msgs/msg/Path; each pose has the frame of the path. A path that grows is a PathMessage. */
export function encodePath(stampNs: bigint, frame: string, poses: readonly StampedPose[]): Uint8Array {
  const cdr = new CdrWriter({ size: 64 + poses.length * 96 });
  writeHeader(cdr, stampNs, frame);
  cdr.sequenceLength(poses.length);
  for (const pose of poses) {
    writeHeader(cdr, pose.stampNs, frame);
    writePose(cdr, pose);
  }
  return cdr.data;
}

/**
 * Reads a nav_msgs/msg/Path.
 *
 * @throws QpvoError QPVO_SOURCE_CORRUPT when the bytes end too early
 */
export function readPath(message: Uint8Array): {
  stampNs: bigint;
  frame: string;
  poses: (StampedPose & { frame: string })[];
} {
  const fields = cdrFields(message);
  const { stampNs, frameId } = fields.header();
  const poses = fields.sequence(() => {
    const header = fields.header();
    return { stampNs: header.stampNs, frame: header.frameId, ...readPose(fields) };
  });
  return { stampNs, frame: frameId, poses };
}
