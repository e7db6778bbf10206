// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { factsOf } from '../../bench/accuracy/Case.ts';
import { findAslFolders } from '../../bench/accuracy/findSequences.ts';
import { findFloor, floorRequest, runFloor } from '../../bench/accuracy/floorRun.ts';
import { openSequence } from '../../bench/accuracy/openSequence.ts';
import { parseTartanPoses, writeTartanFolder } from '../../bench/accuracy/tartanSequence.ts';
import { DEMO } from '../../bench/recordings.ts';
import { rotate } from '../../src/odometry/se3.ts';
import { writeAslCamera, writeAslGroundTruth } from '../fixtures/aslFiles.ts';
import { png, scenePixels } from '../fixtures/scenes.ts';
import { temporaryFolder } from '../fixtures/temporaryFolder.ts';

describe('sequences of the accuracy bench', () => {
  const folder = temporaryFolder();

  it('TartanAir poses become those of the optical frame', () => {
    const [level, turned] = parseTartanPoses('1 2 3 0 0 0 1\n0 0 0 0 0 0.7071067811865476 0.7071067811865476\n', 'p');
    assert.deepEqual(level!.t, [1, 2, 3]);
    const near = (actual: readonly number[], expected: readonly number[]): void => {
      for (const axis of [0, 1, 2]) assert.ok(Math.abs(actual[axis]! - expected[axis]!) < 1e-12, `${actual}`);
    };
    near(rotate(level!.q, [0, 0, 1]), [1, 0, 0]);
    near(rotate(level!.q, [1, 0, 0]), [0, 1, 0]);
    near(rotate(level!.q, [0, 1, 0]), [0, 0, 1]);
    near(rotate(turned!.q, [0, 0, 1]), [0, 1, 0]);
    assert.throws(() => parseTartanPoses('1 2 3 0 0 0\n', 'p'), { code: 'QPVO_SOURCE_CORRUPT', message: /line 1/ });
  });

  async function writeTartan(poses: number): Promise<void> {
    await mkdir(folder('data', 'image_left'), { recursive: true });
    for (const number of [2, 3, 4]) {
      await writeFile(folder('data', 'image_left', `00000${number}.png`), await png(scenePixels(number)));
    }
    const lines = Array.from({ length: poses }, (_, index) => `${index} 0 ${index === 4 ? 5 : 0} 0 0 0 1\n`);
    await writeFile(folder('data', 'pose_left.txt'), lines.join(''));
  }

  it('TartanAir data is opened as a sequence, poses by the numbers of the images, stamps at 20 Hz', async () => {
    await writeTartan(7);
    await writeTartanFolder(folder('converted'), folder('data'));
    const choice = { kind: 'tartanair', name: 't', path: folder('converted'), starts: [0], strides: [1] } as const;
    const sequence = await openSequence(choice);
    assert.deepEqual(
      sequence.images.map(({ stampNs }) => stampNs),
      [100_000_000n, 150_000_000n, 200_000_000n],
    );
    assert.deepEqual(
      sequence.groundTruth.map(({ stampNs, t }) => [stampNs, ...t]),
      [
        [100_000_000n, 2, 0, 0],
        [150_000_000n, 3, 0, 0],
        [200_000_000n, 4, 0, 5],
      ],
    );
    assert.deepEqual([sequence.calibration.fx, sequence.calibration.cy], [320, 240]);
  });

  it('TartanAir data with an image that has no pose is refused', async () => {
    await writeTartan(4);
    await assert.rejects(writeTartanFolder(folder('converted'), folder('data')), {
      code: 'QPVO_SOURCE_CORRUPT',
      message: /000004\.png/,
    });
  });

  it('rendered ones are found below the folder, with the depth that their maker states', async () => {
    await writeAslCamera(folder('set', 'b'));
    await writeAslGroundTruth(folder('set', 'b'));
    await writeFile(folder('set', 'b', 'meta.json'), '{"median_depth_m": 2.5}');
    await writeAslCamera(folder('a'));
    await writeAslCamera(folder('.c.1.tmp'));
    assert.deepEqual(await findAslFolders(folder(), 3), [folder('a'), folder('set', 'b')]);
    assert.deepEqual(await findAslFolders(folder('nothing'), 3), []);
    const choice = { kind: 'rendered', name: 'rendered/b', starts: [0], strides: [1] } as const;
    const sequence = await openSequence({ ...choice, path: folder('set', 'b') });
    assert.equal(sequence.medianDepthM, 2.5);
    assert.equal(sequence.images.length, 6);
    await assert.rejects(openSequence({ ...choice, path: folder('a') }), { code: 'QPVO_EVALUATION' });
  });
});

describe('the floor of the accuracy bench', function () {
  this.timeout(120_000);

  it('is left out, loudly, when the Python has no OpenCV', async () => {
    const said: string[] = [];
    const { log } = console;
    console.log = (text: string) => said.push(text);
    try {
      assert.equal(await findFloor('no-such-python'), undefined);
    } finally {
      console.log = log;
    }
    assert.match(said.join(), /SKIPPED.*no-such-python.*QPVO_PYTHON/);
  });

  it('is asked for the images, stamps and camera of a case', async () => {
    const sequence = await openSequence({ kind: 'demo', ...DEMO, starts: [0], strides: [1] });
    const request = floorRequest({ sequence, startFrame: 2, stride: 2, limit: 4 }) as {
      images: { path: string; stamp: string }[];
      distortion: object;
    };
    assert.deepEqual(
      request.images.map(({ path }) => path),
      [sequence.images[2]!.path, sequence.images[4]!.path],
    );
    assert.match(request.images[0]!.stamp, /^\d+\.\d{9}$/);
    assert.deepEqual(request.distortion, { model: 'radtan', coefficients: [-0.15, 0.04, 0.0004, -0.0003] });
  });

  it('follows the demo sequence', async function () {
    const floor = await findFloor();
    if (floor === undefined) {
      console.log('      skipped: no Python with OpenCV (QPVO_PYTHON, else python3)');
      return this.skip();
    }
    const sequence = await openSequence({ kind: 'demo', ...DEMO, starts: [0], strides: [1] });
    const entry = { sequence, startFrame: 0, stride: 1, limit: 100 };
    const outcome = await runFloor(entry, floor, 0, false);
    const { images, pathM } = factsOf(entry);
    assert.deepEqual([outcome.consumed, outcome.segments, outcome.lost, outcome.fps], [images, 1, false, undefined]);
    assert.ok(outcome.withPose >= 0.95 * images, `${outcome.withPose} poses`);
    assert.ok(outcome.errors!.ateM < 0.02 * pathM, `${outcome.errors!.ateM} m of ${pathM} m`);
  });
});
