// SPDX-License-Identifier: MIT

/**
 * Distortion models, by OpenCV / ROS definitions.
 * `radtan` (plumb_bob): k1 k2 p1 p2 [k3]; `rational` (rational_polynomial): k1 k2 p1 p2 k3 k4 k5 k6; `equidistant` (fisheye): k1 k2 k3 k4.
 */
export type DistortionModel = 'none' | 'radtan' | 'rational' | 'equidistant';

/** Pinhole camera with lens distortion. Pixel centres have integer coordinates. */
export interface CameraCalibration {
  width: number;
  height: number;
  /** Focal lengths and principal point, pixels of the recorded image. */
  fx: number;
  fy: number;
  cx: number;
  cy: number;
  model: DistortionModel;
  coefficients: number[];
  /** Where it came from, for messages: a file path or a topic. */
  origin: string;
}
