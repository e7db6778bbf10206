// SPDX-License-Identifier: MIT
import type { CameraCalibration, DistortionModel } from '../../camera/CameraCalibration.ts';
import type { CameraInfoMessage } from '../../messages/sensorMessages.ts';

/** Names and lengths of the models in sensor_msgs/distortion_models. ROS has no name for none: it is plumb_bob with zeros. */
const ROS_MODELS: Readonly<Record<DistortionModel, readonly [name: string, coefficients: number]>> = {
  none: ['plumb_bob', 5],
  radtan: ['plumb_bob', 5],
  rational: ['rational_polynomial', 8],
  equidistant: ['equidistant', 4],
};

/** What a driver of this camera would publish beside raw images: K and D as calibrated, nothing rectified (R is identity, P holds K). */
export function cameraInfoOf(calibration: CameraCalibration): Omit<CameraInfoMessage, 'header'> {
  const { width, height, fx, fy, cx, cy, model, coefficients } = calibration;
  const [distortion_model, count] = ROS_MODELS[model];
  return {
    width,
    height,
    distortion_model,
    d: Array.from({ length: count }, (_, i) => coefficients[i] ?? 0),
    k: [fx, 0, cx, 0, fy, cy, 0, 0, 1],
    r: [1, 0, 0, 0, 1, 0, 0, 0, 1],
    p: [fx, 0, cx, 0, 0, fy, cy, 0, 0, 0, 1, 0],
  };
}
