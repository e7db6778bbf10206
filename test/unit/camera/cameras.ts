// SPDX-License-Identifier: MIT
import type { CameraCalibration } from '../../../src/camera/CameraCalibration.ts';

/** One real camera per distortion model. */
export const CAMERAS: Readonly<Record<'none' | 'radtan' | 'radtan5' | 'rational' | 'equidistant', CameraCalibration>> =
  {
    none: camera('none', [640, 480], [320, 320, 320, 240], []),
    radtan: camera(
      'radtan',
      [752, 480],
      [458.654, 457.296, 367.215, 248.375],
      [-0.28340811, 0.07395907, 0.00019359, 1.76187114e-5],
    ),
    radtan5: camera(
      'radtan',
      [752, 480],
      [458.654, 457.296, 367.215, 248.375],
      [-0.28340811, 0.07395907, 0.00019359, 1.76187114e-5, -0.002],
    ),
    rational: camera(
      'rational',
      [1280, 720],
      [607.5, 607.25, 637.25, 366.5],
      [0.45, -2.6, 0.0006, -0.0003, 1.5, 0.33, -2.4, 1.4],
    ),
    equidistant: camera(
      'equidistant',
      [512, 512],
      [190.97847715128717, 190.9733070521226, 254.93170605935475, 256.8974428996504],
      [0.0034823894022493434, 0.0007150348452162257, -0.0020532361418706202, 0.00020293673591811182],
    ),
  };

function camera(
  model: CameraCalibration['model'],
  [width, height]: [number, number],
  [fx, fy, cx, cy]: [number, number, number, number],
  coefficients: number[],
): CameraCalibration {
  return { width, height, fx, fy, cx, cy, model, coefficients, origin: `test camera ${model}` };
}
