// SPDX-License-Identifier: MIT
import { QpvoError } from '../error.ts';
import type { CameraCalibration } from './CameraCalibration.ts';

/** The pinhole camera of the image that the network sees: undistorted, scaled, cropped. Pixel centres have integer coordinates. */
export interface RectifiedCamera {
  width: number;
  height: number;
  /** Focal lengths and principal point, network-image pixels. */
  fx: number;
  fy: number;
  cx: number;
  cy: number;
  /** Network-image pixels per recorded pixel, 0 < scale <= 1. */
  scale: number;
}

/** Sides of the network image are multiples of this: two halvings by the encoder and the 1/4 level of the correlation. */
const SIDE_MULTIPLE = 16;
/** Below this there is no room for patches, their borders and a correlation window. */
const MIN_SIDE_PX = 96;

/**
 * The network image of a camera: the same camera matrix without distortion, scaled, then cropped at the right and at the bottom to multiples
 * of 16 pixels. Scaling keeps the edges of the image in place, so cx' = (cx + 0.5) s - 0.5.
 *
 * @param scale 0 < scale <= 1
 * @throws QpvoError QPVO_CALIBRATION when the image becomes too small
 */
export function rectifiedCamera(calibration: CameraCalibration, scale: number): RectifiedCamera {
  // The small term keeps an exact product such as 640 * 0.35 = 224 from falling to the multiple below.
  const side = (size: number): number => Math.floor((size * scale + 1e-6) / SIDE_MULTIPLE) * SIDE_MULTIPLE;
  const width = side(calibration.width);
  const height = side(calibration.height);
  if (width < MIN_SIDE_PX || height < MIN_SIDE_PX) {
    throw new QpvoError('QPVO_CALIBRATION', {
      what: `the image of ${calibration.origin} is too small at scale ${scale}`,
      expected: `at least ${MIN_SIDE_PX}x${MIN_SIDE_PX} px for the network`,
      received: `${width}x${height} px from ${calibration.width}x${calibration.height} px`,
      advice: 'Use a larger networkScale.',
    });
  }
  return {
    width,
    height,
    fx: calibration.fx * scale,
    fy: calibration.fy * scale,
    cx: (calibration.cx + 0.5) * scale - 0.5,
    cy: (calibration.cy + 0.5) * scale - 0.5,
    scale,
  };
}
