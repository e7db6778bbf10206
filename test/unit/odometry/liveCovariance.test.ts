// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { sidewaysImages, type TrackedRun, trackImages } from '../../fixtures/trackedScene.ts';

describe('covariance of live poses', function () {
  this.timeout(60_000);
  let run: TrackedRun;

  before(async () => {
    run = await trackImages(sidewaysImages(16));
  });

  it('comes with every pose and with nothing else', () => {
    assert.ok(run.results.some(({ T_world_camera }) => T_world_camera !== undefined));
    for (const { T_world_camera, poseCovariance } of run.results) {
      assert.equal(poseCovariance === undefined, T_world_camera === undefined);
    }
  });

  it('is symmetric and positive, small against the way, and a value of its own', () => {
    const covariances = run.results.flatMap(({ poseCovariance }) => (poseCovariance ? [poseCovariance] : []));
    for (const covariance of covariances) {
      assert.equal(covariance.length, 36);
      for (let r = 0; r < 6; r++) {
        assert.ok(covariance[7 * r]! > 0 && Math.sqrt(covariance[7 * r]!) < 0.1, `variance ${covariance[7 * r]}`);
        for (let c = 0; c < r; c++) assert.equal(covariance[6 * r + c], covariance[6 * c + r]);
      }
    }
    assert.notDeepEqual(covariances.at(-1), covariances.at(-2));
  });
});

describe('patches of masked images', function () {
  this.timeout(60_000);

  it('are taken outside of the masks, and the odometry tracks with them', async () => {
    const camera = { maskLeftPx: 64, maskBottomPx: 40 };
    const run = await trackImages(sidewaysImages(14), camera);
    assert.equal(run.results.at(-1)!.state, 'TRACKING');
    // Points of the first frame, whose camera is the world: columns from 64 px on, rows up to 152 px.
    const first = run.finalPoints.slice(0, 30);
    assert.ok(first.length > 0);
    for (const { x, y, z } of first) {
      const [u, v] = [(200 * x) / z + 127.5, (200 * y) / z + 95.5];
      assert.ok(u > 63 && v < 153, `a point at ${u}, ${v}`);
    }
  });

  it('masks of no size change nothing', async () => {
    const images = sidewaysImages(11);
    const without = await trackImages(images);
    const withNone = await trackImages(images, { maskTopPx: 0, maskBottomPx: 0, maskLeftPx: 0, maskRightPx: 0 });
    assert.deepEqual(withNone.finalPoses, without.finalPoses);
  });

  it('masks that leave no room are refused before anything is loaded for long', async () => {
    await assert.rejects(trackImages([], { maskLeftPx: 200, maskRightPx: 100 }), { code: 'QPVO_PARAMETER' });
  });
});
