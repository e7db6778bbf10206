// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { rotate } from '../../../src/odometry/se3.ts';
import { cameraPoses, poseFromMatrix } from '../../../src/sources/groundTruth.ts';

type Vec3 = [number, number, number];

/** Rotations whose largest quaternion component is w, x, y, z in turn, and the one of EuRoC's cam0. */
const MATRICES: [string, number[]][] = [
  ['identity', [1, 0, 0, 5, 0, 1, 0, 6, 0, 0, 1, 7, 0, 0, 0, 1]],
  ['half a turn about x', [1, 0, 0, 5, 0, -1, 0, 6, 0, 0, -1, 7, 0, 0, 0, 1]],
  ['half a turn about y', [-1, 0, 0, 5, 0, 1, 0, 6, 0, 0, -1, 7, 0, 0, 0, 1]],
  ['half a turn about z', [-1, 0, 0, 5, 0, -1, 0, 6, 0, 0, 1, 7, 0, 0, 0, 1]],
  ['a third of a turn about the diagonal', [0, 0, 1, 5, 1, 0, 0, 6, 0, 1, 0, 7, 0, 0, 0, 1]],
  [
    'EuRoC cam0',
    [
      0.0148655429818, -0.999880929698, 0.00414029679422, -0.0216401454975, 0.999557249008, 0.0149672133247,
      0.025715529948, -0.064676986768, -0.0257744366974, 0.00375618835797, 0.999660727178, 0.00981073058949, 0, 0, 0, 1,
    ],
  ],
];

describe('ground truth at the camera', () => {
  for (const [name, m] of MATRICES) {
    it(`the pose of a matrix turns and moves as the matrix does: ${name}`, () => {
      const pose = poseFromMatrix(m);
      for (const [column, axis] of (
        [
          [1, 0, 0],
          [0, 1, 0],
          [0, 0, 1],
        ] as Vec3[]
      ).entries()) {
        const turned = rotate(pose.q, axis);
        for (let row = 0; row < 3; row++) assert.ok(Math.abs(turned[row]! - m[row * 4 + column]!) < 1e-9);
      }
      assert.deepEqual(pose.t, [m[3], m[7], m[11]]);
    });
  }

  it('the offset of the camera is turned with the body', () => {
    const half = Math.SQRT1_2;
    const [camera] = cameraPoses([{ stampNs: 7n, t: [1, 2, 3], q: [0, 0, half, half] }], {
      t: [1, 0, 0],
      q: [0, 0, 0, 1],
    });
    assert.equal(camera!.stampNs, 7n);
    assert.ok(Math.hypot(camera!.t[0] - 1, camera!.t[1] - 3, camera!.t[2] - 3) < 1e-12);
  });
});
