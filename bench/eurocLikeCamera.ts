// SPDX-License-Identifier: MIT
import type { CameraCalibration } from '../src/camera/CameraCalibration.ts';

/** A lens with the distortion of the EuRoC camera. */
export function eurocLikeCamera(width: number, height: number): CameraCalibration {
  return {
    width,
    height,
    fx: 0.61 * width,
    fy: 0.61 * width,
    cx: width / 2 - 0.5,
    cy: height / 2 - 0.5,
    model: 'radtan',
    coefficients: [-0.283, 0.074, 0, 0],
    origin: 'benchmark',
  };
}
