// SPDX-License-Identifier: MIT
import type { CameraCalibration } from '../../src/camera/CameraCalibration.ts';
import type { StampedPose } from '../../src/odometry/Pose.ts';

/** Sequences of one kind share their targets. */
export type SequenceKind = 'mh05' | 'mh01' | 'tartanair' | 'rendered' | 'demo';

export interface SequenceImage {
  stampNs: bigint;
  /** Absolute. */
  path: string;
}

/** A recording with ground truth, and from where and how it is run. */
export interface Sequence {
  kind: SequenceKind;
  name: string;
  /** What `qpvo run` opens. */
  path: string;
  images: readonly SequenceImage[];
  calibration: CameraCalibration;
  /** T_world_camera in metres, oldest first. */
  groundTruth: readonly StampedPose[];
  /** Indices of images at which runs begin. */
  starts: readonly number[];
  strides: readonly number[];
  /** Median depth of the scene, metres, where the maker of the sequence says it. */
  medianDepthM?: number;
}
