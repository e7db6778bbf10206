// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { inverse, transform } from '../../src/odometry/se3.ts';
import { CAMERA } from './adjustProblem.ts';
import { makeOps } from './makeOps.ts';
import { randomGeometry } from './randomGeometry.ts';

describe('world points of a frame', () => {
  it('are the back-projected patch centres, moved by the inverse of the pose', async () => {
    const ops = makeOps();
    const poses = await randomGeometry(ops, 4, 23, 0.5);
    const { patchX, patchY, inverseDepth, patchStride } = ops.buffers;
    for (let slot = 0; slot < 4; slot++) {
      const points = ops.pointCloud(slot);
      assert.equal(points.length, 60);
      for (let k = 0; k < 20; k++) {
        const at = slot * patchStride + k;
        const z = 1 / inverseDepth[at]!;
        const { fx, fy, cx, cy } = CAMERA;
        const camera: [number, number, number] = [((patchX[at]! - cx) / fx) * z, ((patchY[at]! - cy) / fy) * z, z];
        transform(inverse(poses[slot]!), camera).forEach((v, i) => {
          assert.ok(Math.abs(points[3 * k + i]! - v) < 1e-6 * Math.max(1, z), `point ${k} of slot ${slot}`);
        });
      }
    }
  });

  it('belong to the caller: later calls do not change them', async () => {
    const ops = makeOps();
    await randomGeometry(ops, 1, 1, 0.1);
    const points = ops.pointCloud(0);
    const copy = points.slice();
    ops.buffers.poses[0] = 9;
    assert.notDeepEqual(ops.pointCloud(0), copy);
    assert.deepEqual(points, copy);
  });
});
