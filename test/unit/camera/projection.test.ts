// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { project, unproject } from '../../../src/camera/projection.ts';
import { CAMERAS } from './cameras.ts';

const RAYS: readonly [number, number][] = [
  [0, 0],
  [0.3, -0.2],
  [-0.7, 0.5],
  [0.1, 0.6],
];

/** Pixels of RAYS by OpenCV 4: projectPoints for radtan and rational, fisheye.projectPoints for equidistant. */
const OPENCV: readonly (readonly [keyof typeof CAMERAS, readonly [number, number][]])[] = [
  ['none', RAYS.map(([x, y]) => [320 * x + 320, 320 * y + 240])],
  [
    'radtan',
    [
      [367.215, 248.375],
      [499.905568539, 160.18874469],
      [100.438993296, 438.43485955],
      [408.749101729, 496.856624867],
    ],
  ],
  [
    'radtan5',
    [
      [367.215, 248.375],
      [499.904963942, 160.189146562],
      [100.699193948, 438.249552236],
      [408.744455289, 496.82882877],
    ],
  ],
  [
    'rational',
    [
      [637.25, 366.5],
      [821.654685612, 243.64571106],
      [194.497099556, 682.795253361],
      [699.524719249, 740.533788753],
    ],
  ],
  [
    'equidistant',
    [
      [254.931706059, 256.8974429],
      [309.943145987, 220.224142447],
      [144.344409829, 335.886230365],
      [272.107471673, 359.949246727],
    ],
  ],
];

/** Radius of the image that has rays: all of it, except for the fisheye lens, which sees more than 90 degrees off its axis. */
const FIELD_PX = { none: Infinity, radtan: Infinity, radtan5: Infinity, rational: Infinity, equidistant: 280 };

describe('camera projection', () => {
  for (const [name, expected] of OPENCV) {
    it(`${name}: agrees with OpenCV`, () => {
      const pixel = new Float64Array(2);
      for (const [index, [x, y]] of RAYS.entries()) {
        project(CAMERAS[name], x, y, pixel);
        assert.ok(Math.abs(pixel[0]! - expected[index]![0]) < 1e-7, `u of ray ${index}: ${pixel[0]}`);
        assert.ok(Math.abs(pixel[1]! - expected[index]![1]) < 1e-7, `v of ray ${index}: ${pixel[1]}`);
      }
    });

    it(`${name}: pixel -> ray -> pixel over the image within 1e-6 px`, () => {
      const camera = CAMERAS[name];
      const ray = new Float64Array(2);
      const pixel = new Float64Array(2);
      let worst = 0;
      for (let i = 0; i <= 40; i++) {
        for (let j = 0; j <= 40; j++) {
          const [u, v] = [((camera.width - 1) * i) / 40, ((camera.height - 1) * j) / 40];
          if (Math.hypot(u - camera.cx, v - camera.cy) > FIELD_PX[name]) continue;
          assert.ok(unproject(camera, u, v, ray), `no ray at ${u}, ${v}`);
          project(camera, ray[0]!, ray[1]!, pixel);
          worst = Math.max(worst, Math.hypot(pixel[0]! - u, pixel[1]! - v));
        }
      }
      assert.ok(worst < 1e-6, `worst ${worst} px`);
    });

    it(`${name}: ray -> pixel -> ray gives the same ray`, () => {
      const pixel = new Float64Array(2);
      const ray = new Float64Array(2);
      for (const [x, y] of RAYS) {
        project(CAMERAS[name], x, y, pixel);
        assert.ok(unproject(CAMERAS[name], pixel[0]!, pixel[1]!, ray));
        assert.ok(Math.hypot(ray[0]! - x, ray[1]! - y) < 1e-9, `ray ${x}, ${y} came back as ${ray}`);
      }
    });
  }

  it('says so when a pixel has no ray', () => {
    const ray = new Float64Array(2);
    // Radius 5 on the image plane is more than 90 degrees off the axis of this fisheye lens.
    assert.equal(unproject(CAMERAS.equidistant, 254.9 + 5 * 191, 256.9, ray), false);
    // r (1 - 0.28 r^2 + 0.074 r^4 - 0.002 r^6) never reaches 8 on its rising branch.
    assert.equal(unproject(CAMERAS.radtan5, 367.2 + 8 * 458.7, 248.4, ray), false);
  });
});
