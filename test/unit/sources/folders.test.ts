// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { copyFile, mkdir, rename, rm, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { openSource } from '../../../src/sources/openSource.ts';
import { writeAslCamera, writeAslGroundTruth } from '../../fixtures/aslFiles.ts';
import { png, scenePixels, stampOf } from '../../fixtures/scenes.ts';
import { collect, framesOf } from '../../fixtures/sourceItems.ts';
import { temporaryFolder } from '../../fixtures/temporaryFolder.ts';

const SIX = [0, 1, 2, 3, 4, 5].map(stampOf);

async function stampsOf(path: string, topic?: string): Promise<bigint[]> {
  const source = await openSource(path, topic === undefined ? {} : { topic });
  const frames = framesOf(await collect(source.frames()));
  return frames.map((frame) => frame.stampNs);
}

describe('ASL folders', () => {
  const path = temporaryFolder();

  it('yield images, calibration and size, given at any of three levels', async () => {
    await writeAslCamera(path());
    for (const level of [path(), path('mav0'), path('mav0', 'cam0')]) {
      const source = await openSource(level);
      const frames = framesOf(await collect(source.frames()));
      assert.deepEqual(
        frames.map((frame) => frame.stampNs),
        SIX,
      );
      assert.deepEqual(
        frames.map((frame) => Uint8Array.from(frame.data)),
        [0, 1, 2, 3, 4, 5].map((i) => scenePixels(i)),
      );
      assert.deepEqual(source.calibration && [source.calibration.fx, source.calibration.model], [14, 'radtan']);
      const { kind, imageCount, firstStampNs, lastStampNs, width, height, encoding } = source.info;
      assert.deepEqual([kind, imageCount, firstStampNs, lastStampNs], ['EuRoC / ASL folder', 6, SIX[0], SIX[5]]);
      assert.deepEqual([width, height, encoding], [20, 16, 'mono8']);
      assert.equal(source.groundTruth, undefined);
    }
  });

  it('bring ground truth from the body to the camera', async () => {
    await writeAslCamera(path());
    await writeAslGroundTruth(path());
    const truth = (await openSource(path())).groundTruth!;
    assert.deepEqual(
      truth.map((pose) => pose.stampNs),
      SIX,
    );
    // The body is turned by 90 degrees, so the offset (0.1, 0.2, 0.3) becomes (-0.2, 0.1, 0.3); both turns add up to 180 degrees about z.
    near(truth[4]!.t, [5 - 0.2, 2 + 0.1, 3.3]);
    near(truth[4]!.q, [0, 0, 1, 0]);
  });

  it('read ground truth in TUM form too', async () => {
    await writeAslCamera(path());
    await writeFile(
      path('mav0', 'groundtruth_tum_x.txt'),
      '# t x y z qx qy qz qw\n1403638538.6 2 0 0 0 0 0 1\n1403638538.5 1 0 0 0 0 0 1\n',
    );
    const truth = (await openSource(path())).groundTruth!;
    assert.deepEqual(
      truth.map((pose) => pose.stampNs),
      [1403638538500000000n, 1403638538600000000n],
    );
    near(truth[0]!.t, [1.1, 0.2, 0.3]);
    near(truth[0]!.q, [0, 0, Math.SQRT1_2, Math.SQRT1_2]);
  });

  it('have neither calibration nor ground truth without sensor.yaml', async () => {
    const camera = await writeAslCamera(path());
    await writeAslGroundTruth(path());
    await unlink(join(camera, 'sensor.yaml'));
    const source = await openSource(path());
    assert.deepEqual([source.calibration, source.groundTruth], [undefined, undefined]);
  });

  it('without data.csv: files named by their stamp', async () => {
    await unlink(join(await writeAslCamera(path()), 'data.csv'));
    assert.deepEqual(await stampsOf(path()), SIX);
  });

  it('choose another camera by topic or by its folder', async () => {
    await writeAslCamera(path(), 6, 'cam0');
    await writeAslCamera(path(), 3, 'cam1');
    assert.deepEqual(await stampsOf(path(), 'cam1'), SIX.slice(0, 3));
    assert.deepEqual(await stampsOf(path('mav0', 'cam1')), SIX.slice(0, 3));
    await assert.rejects(openSource(path(), { topic: 'cam2' }), {
      code: 'QPVO_TOPIC',
      message: /no camera cam2.*cam0, cam1.*--topic/,
    });
  });

  it('take a range without reading the images outside of it', async () => {
    const camera = await writeAslCamera(path());
    for (const i of [1, 3, 5]) await unlink(join(camera, 'data', `${stampOf(i)}.png`));
    const items = await collect((await openSource(path())).frames({ stride: 2, endS: 0.2 }));
    assert.deepEqual(
      items.map((item) => 'fault' in item),
      [false, false, false],
    );
  });
});

describe('image folders', () => {
  const path = temporaryFolder();
  const CAMERA =
    'resolution: [20, 16]\ncamera_model: pinhole\nintrinsics: [14, 14, 8, 6]\ndistortion_model: none\ndistortion_coefficients: []\n';

  async function writeImages(names: string[], folder = path()): Promise<void> {
    await mkdir(folder, { recursive: true });
    for (const [i, name] of names.entries()) await writeFile(join(folder, name), await png(scenePixels(i)));
  }

  it('in natural order at the rate of camera.yaml', async () => {
    await writeImages(['frame_2.png', 'frame_10.png', 'frame_100.png']);
    await writeFile(path('camera.yaml'), `${CAMERA}rate: 10\n`);
    const source = await openSource(path());
    const frames = framesOf(await collect(source.frames()));
    assert.deepEqual(
      frames.map((frame) => frame.stampNs),
      [0n, 100_000_000n, 200_000_000n],
    );
    assert.deepEqual(
      frames.map((frame) => Uint8Array.from(frame.data)),
      [0, 1, 2].map((i) => scenePixels(i)),
    );
    assert.deepEqual([source.info.kind, source.calibration?.fx], ['image folder', 14]);
  });

  const named: [string, string[], bigint[]][] = [
    ['nanoseconds', SIX.map((stamp) => `${stamp}.png`), SIX],
    [
      'seconds with a decimal point',
      ['1305031102.175304.png', '1305031102.211214.png'],
      [1305031102175304000n, 1305031102211214000n],
    ],
    ['frame numbers: 20 Hz', ['000007.png', '000009.png'], [0n, 50_000_000n]],
  ];
  for (const [name, files, stamps] of named) {
    it(`names are ${name}`, async () => {
      await writeImages(files);
      assert.deepEqual(await stampsOf(path()), stamps);
    });
  }

  const listed: [string, string, string][] = [
    ['times.txt', 'a line an image (KITTI)', '# s\n0.000000e+00\n1.037e-01\n2.0\n'],
    ['timestamps.txt', 'nanoseconds', '10000000000000000000\n10000000000103700000\n10000000002000000000\n'],
    ['times.txt', 'name and time, unordered', 'b 0.1037 12.5\na.png 0 9\nc 2 1\n'],
    ['times.txt', 'time and name', '0 a.png\n0.1037 images/b.png\n2 c.png\n'],
  ];
  for (const [file, name, text] of listed) {
    it(`${file} with ${name}`, async () => {
      await writeImages(['a.png', 'b.png', 'c.png']);
      await writeFile(path(file), text);
      const stamps = await stampsOf(path());
      assert.deepEqual(
        stamps.map((stamp) => stamp - stamps[0]!),
        [0n, 103_700_000n, 2_000_000_000n],
      );
    });
  }

  it('images/ with camera.yaml and ground truth beside it', async () => {
    await writeImages(['0.png', '1.png'], path('images'));
    await writeFile(path('camera.yaml'), CAMERA);
    await writeFile(path('groundtruth.txt'), '0.0 1 2 3 0 0 0 1\n0.05 4 5 6 0 0 1 0\n');
    const source = await openSource(path());
    assert.equal(source.info.imageCount, 2);
    assert.equal(source.calibration?.cx, 8);
    assert.deepEqual(source.groundTruth, [
      { stampNs: 0n, t: [1, 2, 3], q: [0, 0, 0, 1] },
      { stampNs: 50_000_000n, t: [4, 5, 6], q: [0, 0, 1, 0] },
    ]);
  });

  it('of colour JPEG, without camera.yaml', async () => {
    const image = sharp({ create: { width: 20, height: 16, channels: 3, background: { r: 9, g: 99, b: 199 } } });
    await writeFile(path('a.JPG'), await image.jpeg().toBuffer());
    const source = await openSource(path());
    assert.deepEqual([source.info.encoding, source.calibration, source.groundTruth], ['rgb8', undefined, undefined]);
  });

  it('whose files vanish yield a fault each', async () => {
    await writeImages(['0.png', '1.png', '2.png']);
    const source = await openSource(path());
    await rename(path('1.png'), path('gone'));
    const items = await collect(source.frames());
    assert.deepEqual(
      items.map((item) => 'fault' in item),
      [false, true, false],
    );
    await copyFile(path('gone'), path('1.png'));
    await rm(path('gone'));
    assert.equal(framesOf(await collect(source.frames())).length, 3);
  });
});

function near(actual: readonly number[], expected: readonly number[]): void {
  assert.equal(actual.length, expected.length);
  for (const [i, value] of actual.entries())
    assert.ok(Math.abs(value - expected[i]!) < 1e-12, `${actual} is not ${expected}`);
}
