// SPDX-License-Identifier: MIT
import type { CameraCalibration } from '../camera/CameraCalibration.ts';
import { type PixelArea, unmaskedArea } from '../camera/imageMask.ts';
import type { RectifiedCamera } from '../camera/RectifiedCamera.ts';
import type { UndistortMap } from '../camera/undistortMap.ts';
import type { OdometryParameters } from '../config/parameters.ts';
import { QpvoError } from '../error.ts';
import type { CellArea } from '../native/addon.ts';
import { GRID_STRIDE } from './solver.ts';

/**
 * Where patches may be sampled: the grid cells whose 3x3 neighbourhood, 12x12 pixels of the network image, shows nothing masked.
 * @throws QPVO_PARAMETER when the masks leave less than one cell per patch
 */
export async function patchArea(
  parameters: OdometryParameters,
  calibration: CameraCalibration,
  camera: RectifiedCamera,
  map: UndistortMap,
): Promise<CellArea> {
  const { maskTopPx: topPx, maskBottomPx: bottomPx, maskLeftPx: leftPx, maskRightPx: rightPx } = parameters;
  const area = cellsWithin(await unmaskedArea({ topPx, bottomPx, leftPx, rightPx }, calibration, camera, map));
  const [width, height] = [area.right - area.left + 1, area.bottom - area.top + 1];
  if (width > 0 && height > 0 && width * height >= parameters.patchesPerFrame) return area;
  throw new QpvoError('QPVO_PARAMETER', {
    what: 'the image masks leave too little of the image',
    expected: `room for ${parameters.patchesPerFrame} patches`,
    received: `top ${topPx}, bottom ${bottomPx}, left ${leftPx}, right ${rightPx} of ${calibration.width}x${calibration.height} px`,
    advice: 'Use smaller masks.',
  });
}

/** Cells whose neighbours lie within the area as well; cell x covers the pixels GRID_STRIDE x to GRID_STRIDE (x + 1) - 1. */
function cellsWithin({ left, top, right, bottom }: PixelArea): CellArea {
  const first = (pixel: number) => Math.ceil(pixel / GRID_STRIDE) + 1;
  const last = (pixel: number) => Math.floor((pixel + 1) / GRID_STRIDE) - 2;
  return { left: first(left), top: first(top), right: last(right), bottom: last(bottom) };
}
