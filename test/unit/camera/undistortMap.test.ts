// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { project } from '../../../src/camera/projection.ts';
import { rectifiedCamera } from '../../../src/camera/RectifiedCamera.ts';
import { buildUndistortMap } from '../../../src/camera/undistortMap.ts';
import { CAMERAS } from './cameras.ts';

describe('rectified camera', () => {
  it('keeps a camera whose sides are multiples of 16', () => {
    const { width, height, fx, fy, cx, cy } = CAMERAS.radtan;
    assert.deepEqual(rectifiedCamera(CAMERAS.radtan, 1), { width, height, fx, fy, cx, cy, scale: 1 });
  });

  it('halves with the image edges in place, then crops right and bottom', () => {
    const half = rectifiedCamera(CAMERAS.radtan, 0.5);
    assert.deepEqual([half.width, half.height], [368, 240]);
    assert.equal(half.fx, 458.654 / 2);
    assert.equal(half.cx, 183.3575);
    assert.equal(half.cy, 123.9375);
  });

  it('does not lose 16 pixels to rounding', () => {
    assert.equal(rectifiedCamera(CAMERAS.none, 0.35).width, 224);
  });

  it('refuses an image too small for the network', () => {
    assert.throws(() => rectifiedCamera({ ...CAMERAS.none, width: 320, height: 240 }, 0.25), {
      code: 'QPVO_CALIBRATION',
      message: /expected at least 96x96 px.* but received 80x48 px/,
    });
  });
});

describe('undistortion map', () => {
  it('at full resolution agrees with OpenCV initUndistortRectifyMap', async () => {
    const camera = rectifiedCamera(CAMERAS.radtan, 1);
    const map = await buildUndistortMap(CAMERAS.radtan, camera);
    assert.equal(map.samplesPerAxis, 1);
    assert.equal(map.data.length, 752 * 480 * 2);
    const expected: [number, number, number, number][] = [
      [0, 0, 73.71342, 49.93565],
      [751, 0, 670.80695, 51.992035],
      [376, 240, 375.9982, 240.00179],
      [100, 400, 130.01512, 383.01047],
      [751, 479, 673.13446, 432.28873],
    ];
    for (const [column, row, x, y] of expected) {
      const at = 2 * (row * 752 + column);
      assert.ok(Math.abs(map.data[at]! - x) < 1e-4, `x at ${column}, ${row}: ${map.data[at]}`);
      assert.ok(Math.abs(map.data[at + 1]! - y) < 1e-4, `y at ${column}, ${row}: ${map.data[at + 1]}`);
    }
  });

  it('at half resolution averages the four undistorted full-resolution pixels', async () => {
    const full = await buildUndistortMap(CAMERAS.radtan, rectifiedCamera(CAMERAS.radtan, 1));
    const camera = rectifiedCamera(CAMERAS.radtan, 0.5);
    const half = await buildUndistortMap(CAMERAS.radtan, camera);
    assert.equal(half.samplesPerAxis, 2);
    for (const [column, row] of [
      [0, 0],
      [17, 90],
      [367, 239],
    ] as const) {
      for (const [sample, dx, dy] of [
        [0, 0, 0],
        [1, 1, 0],
        [2, 0, 1],
        [3, 1, 1],
      ] as const) {
        const at = 2 * (4 * (row * camera.width + column) + sample);
        const from = 2 * ((2 * row + dy) * 752 + 2 * column + dx);
        assert.ok(Math.abs(half.data[at]! - full.data[from]!) < 1e-4);
        assert.ok(Math.abs(half.data[at + 1]! - full.data[from + 1]!) < 1e-4);
      }
    }
  });

  it('without distortion at full resolution is the identity', async () => {
    const map = await buildUndistortMap(CAMERAS.none, rectifiedCamera(CAMERAS.none, 1));
    for (const [column, row] of [
      [0, 0],
      [639, 479],
      [123, 45],
    ] as const) {
      const at = 2 * (row * 640 + column);
      assert.ok(Math.abs(map.data[at]! - column) < 1e-4 && Math.abs(map.data[at + 1]! - row) < 1e-4);
    }
  });

  it('keeps source coordinates outside the recorded image as they are', async () => {
    const pincushion = { ...CAMERAS.none, model: 'radtan' as const, coefficients: [0.3, 0, 0, 0] };
    const map = await buildUndistortMap(pincushion, rectifiedCamera(pincushion, 1));
    assert.ok(map.data[0]! < -10 && map.data[1]! < -10, `${map.data[0]}, ${map.data[1]}`);
  });

  it('uses the rays of the cropped, scaled camera at any scale', async () => {
    const camera = rectifiedCamera(CAMERAS.equidistant, 0.4);
    const map = await buildUndistortMap(CAMERAS.equidistant, camera);
    assert.equal(map.samplesPerAxis, 3);
    const [column, row] = [150, 20];
    const mean = [0, 0];
    for (let sample = 0; sample < 9; sample++) {
      const at = 2 * (9 * (row * camera.width + column) + sample);
      mean[0]! += map.data[at]! / 9;
      mean[1]! += map.data[at + 1]! / 9;
    }
    const centre = new Float64Array(2);
    project(CAMERAS.equidistant, (column - camera.cx) / camera.fx, (row - camera.cy) / camera.fy, centre);
    assert.ok(Math.hypot(mean[0]! - centre[0]!, mean[1]! - centre[1]!) < 0.02, `${mean} against ${centre}`);
  });
});
