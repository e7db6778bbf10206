// SPDX-License-Identifier: MIT
import type { CameraCalibration } from './CameraCalibration.ts';
import type { RectifiedCamera } from './RectifiedCamera.ts';
import { rowsInTurns } from './rowsInTurns.ts';
import type { UndistortMap } from './undistortMap.ts';

/** Borders of the recorded image that show nothing of the scene (a bonnet, a frame, a time stamp), pixels of the recorded image. */
export interface ImageMask {
  topPx: number;
  bottomPx: number;
  leftPx: number;
  rightPx: number;
}

/** A rectangle of pixels, first and last column and row included; empty when the last comes before the first. */
export interface PixelArea {
  left: number;
  top: number;
  right: number;
  bottom: number;
}

/** Positions of samples are rounded to 1/256 px when the image is read. */
const ROUNDING_PX = 1 / 512;

/**
 * The largest rectangle of the network image in which no pixel shows a masked one of the recorded image. Straight borders of the recorded image are curves in the
 * undistorted one: the rectangle ends at their innermost points. Each border is looked at by itself, and pixels that lie outside of the recorded image count for none.
 */
export async function unmaskedArea(
  mask: ImageMask,
  calibration: CameraCalibration,
  camera: RectifiedCamera,
  map: UndistortMap,
): Promise<PixelArea> {
  const area: PixelArea = { left: 0, top: 0, right: camera.width - 1, bottom: camera.height - 1 };
  if (mask.topPx + mask.bottomPx + mask.leftPx + mask.rightPx === 0) return area;
  const { width, height } = calibration;
  // A sample between two recorded pixels reads both: the outermost ones that read nothing masked are at these coordinates.
  const low = { x: mask.leftPx - ROUNDING_PX, y: mask.topPx - ROUNDING_PX };
  const high = { x: width - 1 - mask.rightPx + ROUNDING_PX, y: height - 1 - mask.bottomPx + ROUNDING_PX };
  const samples = map.samplesPerAxis ** 2;
  const { data } = map;
  await rowsInTurns(camera.height, (row) => {
    for (let column = 0; column < camera.width; column++) {
      const first = 2 * samples * (row * camera.width + column);
      for (let at = first; at < first + 2 * samples; at += 2) {
        const x = data[at]!;
        const y = data[at + 1]!;
        if (!(x > -1 && y > -1 && x < width && y < height)) continue;
        if (x < low.x && column >= area.left && mask.leftPx > 0) area.left = column + 1;
        if (y < low.y && row >= area.top && mask.topPx > 0) area.top = row + 1;
        if (x > high.x && column <= area.right && mask.rightPx > 0) area.right = column - 1;
        if (y > high.y && row <= area.bottom && mask.bottomPx > 0) area.bottom = row - 1;
      }
    }
  });
  return area;
}
