// SPDX-License-Identifier: MIT
// ROS 2 messages to and from CDR. Encoders return little-endian plain CDR with its encapsulation header.
export { encodeClock, readClock } from './clock.ts';
export { diagonalCovariance } from './covariance.ts';
export { type DiagnosticLevel, type DiagnosticStatus, encodeDiagnostics, readDiagnostics } from './diagnostics.ts';
export { encodeCameraInfo, encodeCompressedImage, encodeImage } from './images.ts';
export { encodeOdometry, type OdometryMessage, readOdometry } from './odometry.ts';
export {
  encodeOdometryStatus,
  NODE_STATES,
  type NodeState,
  type OdometryStatusMessage,
  odometryStatusFields,
  readOdometryStatus,
  SCALE_STATES,
  type ScaleState,
} from './odometryStatus.ts';
export { PathMessage } from './PathMessage.ts';
export { encodePath, encodePoseStamped, readPath } from './path.ts';
export { encodePointCloud, readPointCloud } from './pointCloud.ts';
export { poseFromFields } from './poseFields.ts';
export { encodeTransforms, readTransforms, type StampedTransform } from './transforms.ts';
export { readTwist, TWIST_TYPES, type TwistMessage, type TwistType } from './twist.ts';
