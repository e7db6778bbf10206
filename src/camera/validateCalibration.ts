// SPDX-License-Identifier: MIT
import { QpvoError } from '../error.ts';
import type { CameraCalibration } from './CameraCalibration.ts';

/** Focal lengths outside this share of the image width mean a mixed-up calibration (fields of view above 168 or below 1 degree). */
const FOCAL_SHARE: readonly [number, number] = [0.05, 50];
/** How far the principal point may lie outside the image, as a share of its size. */
const PRINCIPAL_POINT_MARGIN = 0.5;
const MIN_SIZE_PX = 16;

/**
 * Returns the calibration when a camera can be like that.
 *
 * @throws QpvoError QPVO_CALIBRATION naming the value that cannot be right
 */
export function validateCalibration(calibration: CameraCalibration): CameraCalibration {
  const { width, height, fx, fy, cx, cy, coefficients } = calibration;
  const refuse = (what: string, expected: string, received: string): never => {
    throw new QpvoError('QPVO_CALIBRATION', {
      what: `${what} in ${calibration.origin}`,
      expected,
      received,
      advice: 'Correct the calibration, or give another one with --camera.',
    });
  };

  for (const [name, size] of [['width', width] as const, ['height', height] as const]) {
    if (!Number.isInteger(size) || size < MIN_SIZE_PX) {
      refuse(`impossible image ${name}`, `a whole number of at least ${MIN_SIZE_PX}`, String(size));
    }
  }
  const values = { fx, fy, cx, cy };
  for (const [name, value] of Object.entries(values)) {
    if (!Number.isFinite(value)) refuse(`${name} is not a finite number`, 'a finite number', String(value));
  }
  for (const [name, focal] of [['fx', fx] as const, ['fy', fy] as const]) {
    if (focal < FOCAL_SHARE[0] * width || focal > FOCAL_SHARE[1] * width) {
      refuse(
        `impossible focal length ${name}`,
        `${FOCAL_SHARE[0] * width} to ${FOCAL_SHARE[1] * width} px for a width of ${width} px`,
        focal === 0 ? '0 (the camera was never calibrated)' : String(focal),
      );
    }
  }
  for (const [name, centre, size] of [['cx', cx, width] as const, ['cy', cy, height] as const]) {
    const margin = PRINCIPAL_POINT_MARGIN * size;
    if (centre < -margin || centre > size + margin) {
      refuse(`principal point ${name} far outside the image`, `${-margin} to ${size + margin}`, String(centre));
    }
  }
  for (const [index, value] of coefficients.entries()) {
    if (!Number.isFinite(value)) {
      refuse(`distortion coefficient ${index + 1} is not a finite number`, 'a finite number', String(value));
    }
  }
  return calibration;
}
