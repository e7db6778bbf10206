// SPDX-License-Identifier: MIT
import type { CameraCalibration } from '../camera/CameraCalibration.ts';
import type { StampedPose } from '../odometry/Pose.ts';
import type { OpenFile } from './OutputFile.ts';

/** What outputs are told about the run before it begins. */
export interface OutputContext {
  calibration: CameraCalibration;
  /** T_world_camera, metres, oldest first. */
  groundTruth?: StampedPose[];
  /** Short name of the source, for titles. */
  sourceName: string;
  /** Opens the files; the file system's own when absent. */
  openFile?: OpenFile;
}
