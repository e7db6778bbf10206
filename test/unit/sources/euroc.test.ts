// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { toCameraImage } from '../../../src/messages/pixels.ts';
import { openSource } from '../../../src/sources/openSource.ts';
import { collect, framesOf } from '../../fixtures/sourceItems.ts';

const DATA = resolve('../shared/data');

describe('EuRoC recordings', () => {
  function recordingAt(test: Mocha.Context, ...names: string[]): string {
    const path = resolve(DATA, ...names);
    if (!existsSync(path)) {
      console.log(`      skipped: no recording at ${path}`);
      test.skip();
    }
    return path;
  }

  it('MH_05: images, calibration and ground truth at the camera', async function () {
    const source = await openSource(recordingAt(this, 'euroc_mh05_585'));
    const { imageCount, width, height, encoding } = source.info;
    assert.deepEqual([imageCount, width, height, encoding], [585, 752, 480, 'mono8']);
    assert.deepEqual(source.calibration?.coefficients.slice(0, 2), [-0.28340811, 0.07395907]);
    const frames = framesOf(await collect(source.frames({ startS: 1, endS: 1.5, stride: 2 })));
    assert.deepEqual(
      frames.map((frame) => frame.stampNs - source.info.firstStampNs!).map((ns) => Math.round(Number(ns) / 1e6)),
      [1000, 1100, 1200, 1300, 1400, 1500],
    );
    const image = toCameraImage(frames[0]!, 1);
    const mean = image.data.reduce((sum, value) => sum + value, 0) / image.data.length;
    assert.ok(mean > 10 && mean < 245, `mean gray ${mean}`);

    // 31.5 m of flight; the camera sits 7 cm from the body.
    const truth = source.groundTruth!.filter(
      (pose) => pose.stampNs >= source.info.firstStampNs! && pose.stampNs <= source.info.lastStampNs!,
    );
    let length = 0;
    for (let i = 1; i < truth.length; i++)
      length += Math.hypot(...truth[i]!.t.map((value, axis) => value - truth[i - 1]!.t[axis]!));
    assert.ok(Math.abs(length - 31.5) < 1.5, `${length} m`);
  });

  it('MH_01 stereo: both cameras lie one baseline apart', async function () {
    const path = recordingAt(this, 'euroc_mh01_stereo_120');
    const [left, right] = [await openSource(path), await openSource(path, { topic: 'cam1' })];
    const [a, b] = [left.groundTruth![100]!, right.groundTruth![100]!];
    assert.equal(a.stampNs, b.stampNs);
    const baseline = Math.hypot(...a.t.map((value, axis) => value - b.t[axis]!));
    assert.ok(Math.abs(baseline - 0.1101) < 1e-3, `${baseline} m`);
  });
});
