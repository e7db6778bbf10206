// SPDX-License-Identifier: MIT
import { QpvoError } from '../error.ts';
import type { CameraCalibration } from './CameraCalibration.ts';
import { resolveDistortion } from './distortionNames.ts';
import { validateCalibration } from './validateCalibration.ts';

/** The part of sensor_msgs/CameraInfo that a monocular camera needs; matrices row-major. */
export interface CameraInfoValues {
  width: number;
  height: number;
  distortion_model: string;
  /** Distortion coefficients; empty for none. */
  d: readonly number[];
  /** Camera matrix of the raw image, 3x3. */
  k: readonly number[];
  /** Rectification rotation, 3x3. */
  r?: readonly number[];
  /** Projection matrix of the rectified image, 3x4. */
  p?: readonly number[];
}

export interface CameraInfoOptions {
  /** The images are already rectified (topics named image_rect...): P holds, without distortion. Default: raw images, K and D hold. */
  rectified?: boolean;
}

/**
 * Calibration from a CameraInfo message of ROS 1 or ROS 2.
 *
 * @param origin topic or file, for messages
 * @throws QpvoError QPVO_CALIBRATION when the message describes no possible camera
 */
export function calibrationFromCameraInfo(
  msg: CameraInfoValues,
  origin: string,
  options: CameraInfoOptions = {},
): CameraCalibration {
  const rectified = options.rectified ?? false;
  const matrix = rectified ? (msg.p ?? []) : msg.k;
  const [rows, columns, name] = rectified ? [3, 4, 'projection matrix P'] : [3, 3, 'camera matrix K'];
  if (matrix.length !== rows * columns) {
    throw new QpvoError('QPVO_CALIBRATION', {
      what: `no usable ${name} in ${origin}`,
      expected: `${rows * columns} numbers`,
      received: String(matrix.length),
      advice: 'Calibrate the camera, or give a calibration file with --camera.',
    });
  }
  return validateCalibration({
    width: msg.width,
    height: msg.height,
    fx: matrix[0]!,
    fy: matrix[columns + 1]!,
    cx: matrix[2]!,
    cy: matrix[columns + 2]!,
    ...(rectified
      ? { model: 'none' as const, coefficients: [] }
      : resolveDistortion(msg.distortion_model, Array.from(msg.d), origin)),
    origin,
  });
}
