// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import type { CameraCalibration } from '../../../src/camera/CameraCalibration.ts';
import { type ImageMask, type PixelArea, unmaskedArea } from '../../../src/camera/imageMask.ts';
import { rectifiedCamera } from '../../../src/camera/RectifiedCamera.ts';
import { buildUndistortMap } from '../../../src/camera/undistortMap.ts';
import { CAMERAS } from './cameras.ts';

const NONE: ImageMask = { topPx: 0, bottomPx: 0, leftPx: 0, rightPx: 0 };
const MASK: ImageMask = { topPx: 20, bottomPx: 51, leftPx: 30, rightPx: 41 };

async function areaOf(calibration: CameraCalibration, mask: ImageMask, scale = 1) {
  const camera = rectifiedCamera(calibration, scale);
  const map = await buildUndistortMap(calibration, camera);
  return { area: await unmaskedArea(mask, calibration, camera, map), camera, map };
}

/** Whether a sample of this pixel reads a masked pixel of the recorded image. */
function readsMasked(
  { width, height }: CameraCalibration,
  mask: ImageMask,
  { samplesPerAxis, data }: Awaited<ReturnType<typeof buildUndistortMap>>,
  pixel: number,
): boolean {
  const samples = samplesPerAxis ** 2;
  for (let s = pixel * samples; s < (pixel + 1) * samples; s++) {
    const [x, y] = [data[2 * s]!, data[2 * s + 1]!];
    if (x <= -1 || y <= -1 || x >= width || y >= height) continue;
    const slack = 0.01;
    const [x0, x1] = [Math.floor(x + slack), Math.ceil(x - slack)];
    const [y0, y1] = [Math.floor(y + slack), Math.ceil(y - slack)];
    if (mask.leftPx > 0 && x0 < mask.leftPx) return true;
    if (mask.topPx > 0 && y0 < mask.topPx) return true;
    if (mask.rightPx > 0 && x1 >= width - mask.rightPx) return true;
    if (mask.bottomPx > 0 && y1 >= height - mask.bottomPx) return true;
  }
  return false;
}

describe('unmasked area of the network image', () => {
  it('without masks is the whole image, whatever lies outside of the recorded one', async () => {
    for (const calibration of Object.values(CAMERAS)) {
      const { area, camera } = await areaOf(calibration, NONE);
      assert.deepEqual(area, { left: 0, top: 0, right: camera.width - 1, bottom: camera.height - 1 });
    }
  });

  it('without distortion is what the masks leave, at full and at half size', async () => {
    const { width, height } = CAMERAS.none;
    assert.deepEqual((await areaOf(CAMERAS.none, MASK)).area, {
      left: 30,
      top: 20,
      right: width - 42,
      bottom: height - 52,
    });
    // The pixel X averages the columns 2 X and 2 X + 1: those that share one with the mask are masked.
    assert.deepEqual((await areaOf(CAMERAS.none, MASK, 0.5)).area, {
      left: 15,
      top: 10,
      right: (width - 44) / 2,
      bottom: (height - 54) / 2,
    });
  });

  for (const name of ['radtan', 'rational', 'equidistant'] as const) {
    it(`${name}: shows nothing masked, and one row or column more would`, async () => {
      const calibration = CAMERAS[name];
      const { area, camera, map } = await areaOf(calibration, MASK);
      const shows = (rectangle: PixelArea) => {
        for (let row = Math.max(0, rectangle.top); row <= Math.min(camera.height - 1, rectangle.bottom); row++) {
          for (
            let column = Math.max(0, rectangle.left);
            column <= Math.min(camera.width - 1, rectangle.right);
            column++
          )
            if (readsMasked(calibration, MASK, map, row * camera.width + column)) return true;
        }
        return false;
      };
      assert.ok(area.right - area.left > camera.width / 2 && area.bottom - area.top > camera.height / 2);
      assert.equal(shows(area), false);
      if (area.left > 0) assert.ok(shows({ ...area, top: 0, bottom: camera.height, left: area.left - 1 }));
      if (area.top > 0) assert.ok(shows({ ...area, left: 0, right: camera.width, top: area.top - 1 }));
      if (area.right < camera.width - 1)
        assert.ok(shows({ ...area, top: 0, bottom: camera.height, right: area.right + 1 }));
      if (area.bottom < camera.height - 1)
        assert.ok(shows({ ...area, left: 0, right: camera.width, bottom: area.bottom + 1 }));
    });
  }

  it('is empty when the masks meet', async () => {
    const { area } = await areaOf(CAMERAS.none, { ...NONE, leftPx: 400, rightPx: 400 });
    assert.ok(area.right < area.left);
  });
});
