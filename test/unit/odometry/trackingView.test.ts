// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { grayOf } from '../../../src/odometry/TrackingView.ts';
import { frameOf, sceneCamera } from '../../fixtures/texturedScene.ts';
import { createOdometry, sidewaysImage } from '../../fixtures/trackedScene.ts';

const camera = sceneCamera();

describe('gray image of the network image', () => {
  const normalisation = { scale: 2 / 255, offset: -0.5 };
  const normalised = (levels: readonly number[]) =>
    Float32Array.from(levels, (level) => level * normalisation.scale + normalisation.offset);

  it('gives every level back, and keeps to 0..255', () => {
    const levels = Array.from({ length: 256 }, (_, i) => i);
    assert.deepEqual([...grayOf(normalised(levels), 256, normalisation)], levels);
    assert.deepEqual([...grayOf(normalised([-3, 300, 255.3, -0.2]), 4, normalisation)], [0, 255, 255, 0]);
  });

  it('is the luma of colour images, in the order blue, green, red', () => {
    const image = normalised([200, 0, 0, 50, 0, 200, 0, 50, 0, 0, 200, 50]);
    assert.deepEqual([...grayOf(image, 4, normalisation)], [23, 117, 60, 50]);
  });
});

describe('view of the odometry', function () {
  this.timeout(60_000);

  it('is the last image, and where the patches of those before are seen in it', async () => {
    const odometry = await createOdometry();
    try {
      assert.equal(odometry.view(), undefined);
      for (let i = 0; i < 4; i++) await odometry.track(frameOf(camera, sidewaysImage(i), i));
      const early = odometry.view()!;
      assert.deepEqual([early.width, early.height, early.tracks.length], [256, 192, 0]);
      // The camera has no distortion: the network image is the recorded one.
      assert.deepEqual(early.gray, sidewaysImage(3));

      for (let i = 4; i < 14; i++) await odometry.track(frameOf(camera, sidewaysImage(i), i));
      const { gray, tracks } = odometry.view()!;
      assert.deepEqual(gray, sidewaysImage(13));
      assert.ok(tracks.length > 0 && tracks.length % (5 * 48) === 0);
      let [sure, sideways] = [0, 0];
      for (let at = 0; at < tracks.length; at += 5) {
        const [fromX, fromY, toX, toY, confidence] = tracks.subarray(at, at + 5) as unknown as number[];
        assert.ok(fromX! >= 4 && fromX! <= 248 && fromY! >= 4 && fromY! <= 184);
        assert.ok(confidence! >= 0 && confidence! <= 1);
        if (confidence! < 0.5) continue;
        sure++;
        // The camera moves to the right: everything moves to the left, and keeps its row.
        if (toX! < fromX! && Math.abs(toY! - fromY!) < 2) sideways++;
      }
      assert.ok(sure > 50 && sideways > 0.9 * sure, `${sideways} of ${sure} confident tracks lead to the left`);
    } finally {
      await odometry.close();
    }
  });

  it('is not there while an image is at work, and is a copy', async () => {
    const odometry = await createOdometry();
    try {
      await odometry.track(frameOf(camera, sidewaysImage(0), 0));
      const kept = odometry.view()!;
      const running = odometry.track(frameOf(camera, sidewaysImage(5), 1));
      assert.equal(odometry.view(), undefined);
      await running;
      assert.deepEqual(kept.gray, sidewaysImage(0));
      assert.deepEqual(odometry.view()!.gray, sidewaysImage(5));
      await odometry.restart();
      assert.equal(odometry.view()!.tracks.length, 0);
    } finally {
      await odometry.close();
    }
  });
});
