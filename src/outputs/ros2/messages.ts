// SPDX-License-Identifier: MIT
import { CdrWriter } from '@foxglove/cdr';
import { stampToParts } from '../../messages/stamps.ts';
import type { Pose, StampedPose } from '../../odometry/Pose.ts';
import type { Tangent } from '../../odometry/se3.ts';
import type { MapPoint } from '../../odometry/types.ts';

export interface OdometryMessage {
  stampNs: bigint;
  frame: string;
  childFrame: string;
  pose: Pose;
  /** Diagonal of the pose covariance: x y z, rotations about X Y Z. */
  poseVariance: number;
  /** Velocity in the child frame (m/s, rad/s); undefined when it is not known, which is written as -1 in the first element of its covariance. */
  twist: Tangent | undefined;
}

/** nav_msgs/msg/Odometry as CDR. */
export function encodeOdometry(message: OdometryMessage): Uint8Array {
  const cdr = new CdrWriter({ size: 768 });
  writeHeader(cdr, message.stampNs, message.frame);
  cdr.string(message.childFrame);
  writePose(cdr, message.pose);
  writeDiagonal(cdr, Array(6).fill(message.poseVariance));
  for (const value of message.twist ?? [0, 0, 0, 0, 0, 0]) cdr.float64(value);
  writeDiagonal(cdr, message.twist ? [0, 0, 0, 0, 0, 0] : [-1, 0, 0, 0, 0, 0]);
  return cdr.data;
}

/** tf2_msgs/msg/TFMessage with one transform, T_frame_child. */
export function encodeTransform(stampNs: bigint, frame: string, child: string, pose: Pose): Uint8Array {
  const cdr = new CdrWriter({ size: 192 });
  cdr.sequenceLength(1);
  writeHeader(cdr, stampNs, frame);
  cdr.string(child);
  writePose(cdr, pose);
  return cdr.data;
}

/** geometry_msgs/msg/PoseStamped. */
export function encodePoseStamped(frame: string, pose: StampedPose): Uint8Array {
  const cdr = new CdrWriter({ size: 128 });
  writeHeader(cdr, pose.stampNs, frame);
  writePose(cdr, pose);
  return cdr.data;
}

/** nav_msgs/msg/Path. */
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

const FLOAT32 = 7;
const UINT32 = 6;
const POINT_STEP = 20;
/** `rgb` is 0x00RRGGBB in the bits of a float, as RViz and Foxglove expect. */
const FIELDS: [name: string, offset: number, datatype: number][] = [
  ['x', 0, FLOAT32],
  ['y', 4, FLOAT32],
  ['z', 8, FLOAT32],
  ['rgb', 12, FLOAT32],
  ['segment', 16, UINT32],
];

/** sensor_msgs/msg/PointCloud2, unorganised. */
export function encodePointCloud(stampNs: bigint, frame: string, points: readonly MapPoint[]): Uint8Array {
  const cdr = new CdrWriter({ size: 256 + points.length * POINT_STEP });
  writeHeader(cdr, stampNs, frame);
  cdr.uint32(1).uint32(points.length);
  cdr.sequenceLength(FIELDS.length);
  for (const [name, offset, datatype] of FIELDS) cdr.string(name).uint32(offset).uint8(datatype).uint32(1);
  cdr
    .uint8(0)
    .uint32(POINT_STEP)
    .uint32(POINT_STEP * points.length);
  cdr.uint8Array(pointBytes(points), true);
  cdr.uint8(1);
  return cdr.data;
}

function pointBytes(points: readonly MapPoint[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(points.length * POINT_STEP));
  points.forEach((point, i) => {
    const at = i * POINT_STEP;
    view.setFloat32(at, point.x, true);
    view.setFloat32(at + 4, point.y, true);
    view.setFloat32(at + 8, point.z, true);
    view.setUint32(at + 12, (point.r << 16) | (point.g << 8) | point.b, true);
    view.setUint32(at + 16, point.segment, true);
  });
  return new Uint8Array(view.buffer);
}

function writeHeader(cdr: CdrWriter, stampNs: bigint, frame: string): void {
  const { sec, nanosec } = stampToParts(stampNs);
  cdr.int32(sec).uint32(nanosec).string(frame);
}

function writePose(cdr: CdrWriter, pose: Pose): void {
  for (const value of pose.t) cdr.float64(value);
  for (const value of pose.q) cdr.float64(value);
}

/** A 6x6 covariance, row-major, with this diagonal. */
function writeDiagonal(cdr: CdrWriter, diagonal: readonly number[]): void {
  for (let row = 0; row < 6; row++)
    for (let column = 0; column < 6; column++) cdr.float64(row === column ? (diagonal[row] ?? 0) : 0);
}
