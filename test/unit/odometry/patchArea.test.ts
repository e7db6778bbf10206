// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import type { CameraCalibration } from '../../../src/camera/CameraCalibration.ts';
import { rectifiedCamera } from '../../../src/camera/RectifiedCamera.ts';
import { buildUndistortMap } from '../../../src/camera/undistortMap.ts';
import { defaultParameters, type OdometryParameters } from '../../../src/config/parameters.ts';
import { patchArea } from '../../../src/odometry/patchArea.ts';
import { sceneCamera } from '../../fixtures/texturedScene.ts';

async function areaWith(parameters: Partial<OdometryParameters>, camera: CameraCalibration = sceneCamera()) {
  const all = { ...defaultParameters(), ...parameters };
  const rectified = rectifiedCamera(camera, all.networkScale);
  return patchArea(all, camera, rectified, await buildUndistortMap(camera, rectified));
}

describe('area of the patches', () => {
  it('without masks is the grid without its border', async () => {
    assert.deepEqual(await areaWith({}), { left: 1, top: 1, right: 62, bottom: 46 });
    assert.deepEqual(await areaWith({ networkScale: 0.5 }), { left: 1, top: 1, right: 30, bottom: 22 });
  });

  it('keeps the 12x12 pixels of every patch clear of the masks', async () => {
    // A patch at cell x covers the pixels 4 x - 4 to 4 x + 7.
    for (const [maskLeftPx, left] of [
      [1, 2],
      [4, 2],
      [5, 3],
      [64, 17],
    ] as const) {
      assert.equal((await areaWith({ maskLeftPx })).left, left);
      assert.equal((await areaWith({ maskTopPx: maskLeftPx })).top, left);
    }
    for (const [mask, cellsLost] of [
      [1, 1],
      [4, 1],
      [5, 2],
      [64, 16],
    ] as const) {
      assert.equal((await areaWith({ maskRightPx: mask })).right, 62 - cellsLost);
      assert.equal((await areaWith({ maskBottomPx: mask })).bottom, 46 - cellsLost);
    }
  });

  it('counts masks in pixels of the recorded image, whatever the network sees', async () => {
    assert.equal((await areaWith({ maskLeftPx: 64, networkScale: 0.5 })).left, 9);
  });

  it('refuses masks that leave less than a cell for each patch, and says what they are', async () => {
    const sizes = { maskTopPx: 10, maskBottomPx: 20, maskLeftPx: 100, maskRightPx: 148 };
    await assert.rejects(areaWith(sizes), {
      code: 'QPVO_PARAMETER',
      message:
        /masks leave too little.*room for 48 patches.*top 10, bottom 20, left 100, right 148 of 256x192 px.*smaller/s,
    });
    await assert.rejects(areaWith({ maskTopPx: 10000 }), { code: 'QPVO_PARAMETER' });
    const few = { maskTopPx: 0, maskBottomPx: 150, maskLeftPx: 0, maskRightPx: 200 };
    const { left, right, top, bottom } = await areaWith({ ...few, patchesPerFrame: 8 });
    const cells = (right - left + 1) * (bottom - top + 1);
    await assert.rejects(areaWith({ ...few, patchesPerFrame: cells + 1 }), { code: 'QPVO_PARAMETER' });
    await areaWith({ ...few, patchesPerFrame: cells });
  });
});
