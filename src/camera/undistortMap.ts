// SPDX-License-Identifier: MIT
import type { CameraCalibration } from './CameraCalibration.ts';
import { project } from './projection.ts';
import type { RectifiedCamera } from './RectifiedCamera.ts';
import { rowsInTurns } from './rowsInTurns.ts';

/** Where each pixel of the network image comes from. */
export interface UndistortMap {
  /** Samples per output pixel along each axis; their mean is the output pixel, so that downscaling averages. */
  samplesPerAxis: number;
  /** [height][width][samplesPerAxis^2][2]: source pixel (x, y) of the recorded image, row by row; may lie outside of it. */
  data: Float32Array;
}

/**
 * Builds the map from the network image to the recorded image, once per run, without holding up the event loop. At scale 1/2 the output pixel (X, Y) averages the
 * undistorted full-resolution pixels (2X, 2Y), (2X+1, 2Y), (2X, 2Y+1), (2X+1, 2Y+1).
 */
export async function buildUndistortMap(
  calibration: CameraCalibration,
  camera: RectifiedCamera,
): Promise<UndistortMap> {
  const n = Math.ceil(1 / camera.scale - 1e-9);
  const data = new Float32Array(camera.width * camera.height * n * n * 2);
  const pixel = new Float64Array(2);
  await rowsInTurns(camera.height, (row) => {
    let at = row * camera.width * n * n * 2;
    for (let column = 0; column < camera.width; column++) {
      for (let j = 0; j < n; j++) {
        const y = normalised(row + (j + 0.5) / n - 0.5, camera.fy, camera.cy);
        for (let i = 0; i < n; i++) {
          const x = normalised(column + (i + 0.5) / n - 0.5, camera.fx, camera.cx);
          project(calibration, x, y, pixel);
          data[at++] = pixel[0]!;
          data[at++] = pixel[1]!;
        }
      }
    }
  });
  return { samplesPerAxis: n, data };
}

function normalised(position: number, focal: number, centre: number): number {
  return (position - centre) / focal;
}
