// SPDX-License-Identifier: MIT
// What programs import from 'qpvo'.
export type { CameraCalibration, DistortionModel } from './camera/CameraCalibration.ts';
export { readCalibrationFile } from './camera/readCalibration.ts';
export { defaultParameters, type OdometryParameters, PARAMETERS } from './config/parameters.ts';
export { type ErrorCode, QpvoError } from './error.ts';
export { evaluateTrajectory } from './evaluation/evaluateTrajectory.ts';
export { readTrajectory } from './evaluation/readTrajectory.ts';
export { type OdometryOptions, PatchOdometry } from './odometry/PatchOdometry.ts';
export type { Pose, StampedPose } from './odometry/Pose.ts';
export type * from './odometry/types.ts';
export { openSource } from './sources/openSource.ts';
export type { ImageFrame, Source, SourceInfo, SourceItem } from './sources/Source.ts';
