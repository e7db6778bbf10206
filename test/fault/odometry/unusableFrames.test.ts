// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import type { PatchOdometry } from '../../../src/odometry/PatchOdometry.ts';
import type { FinalPose } from '../../../src/odometry/types.ts';
import type { ImageFrame } from '../../../src/sources/Source.ts';
import { frameOf, sceneCamera } from '../../fixtures/texturedScene.ts';
import { createOdometry, sidewaysImage } from '../../fixtures/trackedScene.ts';

const CAMERA = sceneCamera();
const good = (index: number) => frameOf(CAMERA, sidewaysImage(index), index);
const GOOD_FRAMES = 13;

/** Runs over the good frames, with unusable ones after given good ones, and returns what the good ones gave. */
async function runWith(unusable: Map<number, ImageFrame[]>): Promise<{ poses: FinalPose[]; reasons: string[] }> {
  const odometry = await createOdometry();
  const [poses, reasons]: [FinalPose[], string[]] = [[], []];
  let given = 0;
  const sequenceOf: number[] = [];
  for (let i = 0; i < GOOD_FRAMES; i++) {
    sequenceOf.push(given++);
    const result = await odometry.track(good(i));
    poses.push(...result.finalPoses);
    assert.equal(result.skipped, false);
    for (const frame of unusable.get(i) ?? []) {
      const refused = await odometry.track(frame);
      assert.equal(refused.sequence, given++);
      assert.equal(refused.skipped, true);
      assert.deepEqual([refused.state, refused.segment], [result.state, result.segment]);
      assert.deepEqual([refused.T_world_camera, refused.finalPoses, refused.finalPoints], [undefined, [], []]);
      reasons.push(refused.reason);
    }
  }
  poses.push(...(await odometry.finish()).finalPoses);
  await odometry.close();
  assert.deepEqual(
    poses.map(({ sequence }) => sequence),
    sequenceOf,
  );
  return { poses, reasons };
}

const closeTo = (a: FinalPose, b: FinalPose) =>
  Math.hypot(...a.T_world_camera.t.map((v, i) => v - b.T_world_camera.t[i]!));

describe('frames that odometry cannot use', function () {
  this.timeout(60_000);

  const smaller: ImageFrame = { ...good(3), width: 128, height: 96, step: 128, data: new Uint8Array(128 * 96) };
  const cases: { name: string; frame: (after: number) => ImageFrame; reason: RegExp }[] = [
    { name: 'a stamp that repeats', frame: good, reason: /its stamp repeats the last one/ },
    {
      name: 'a stamp that goes back',
      frame: (after) => ({ ...good(after + 1), stampNs: good(after).stampNs - 150_000_000n }),
      reason: /its stamp goes back by 0\.15 s/,
    },
    {
      name: 'another image size',
      frame: (after) => ({ ...smaller, stampNs: good(after).stampNs + 1000n }),
      reason: /image size changed: expected 256x192 px as calibrated \(textured scene\), but received 128x96 px/,
    },
  ];

  it('are skipped with the reason, before and after initialisation; nothing else changes', async () => {
    const unusable = new Map([3, 10].map((after) => [after, cases.map(({ frame }) => frame(after))]));
    const { poses, reasons } = await runWith(unusable);
    assert.equal(reasons.length, 2 * cases.length);
    for (const [i, reason] of reasons.entries()) assert.match(reason, cases[i % cases.length]!.reason);
    // Skipped frames count in the sequence numbers, which choose the patches: the poses are those of other patches, not of another path.
    const undisturbed = (await runWith(new Map())).poses;
    const length = undisturbed.at(-1)!.T_world_camera.t[0];
    const scale = length / poses.at(-1)!.T_world_camera.t[0];
    for (const [i, pose] of poses.entries()) {
      const scaled = {
        ...pose,
        T_world_camera: {
          ...pose.T_world_camera,
          t: pose.T_world_camera.t.map((v) => v * scale) as [number, number, number],
        },
      };
      assert.ok(closeTo(scaled, undisturbed[i]!) < 0.05 * length);
    }
  });
});

describe('calls that odometry refuses', function () {
  this.timeout(60_000);
  let odometry: PatchOdometry;

  beforeEach(async () => {
    odometry = await createOdometry();
  });

  it('a first image of another size contradicts the calibration', async () => {
    const data = new Uint8Array(128 * 96);
    const frame: ImageFrame = { ...good(0), width: 128, height: 96, step: 128, data };
    await assert.rejects(odometry.track(frame), (error: NodeJS.ErrnoException) => {
      assert.equal(error.code, 'QPVO_IMAGE_SIZE');
      assert.match(error.message, /expected 256x192 px as calibrated \(textured scene\), but received 128x96 px/);
      assert.match(error.message, /--camera/);
      return true;
    });
    // The right image is still welcome.
    assert.equal((await odometry.track(good(0))).state, 'INITIALIZING');
    await odometry.close();
  });

  it('an image with too few bytes is an error, and the run goes on after it', async () => {
    await odometry.track(good(0));
    await assert.rejects(odometry.track({ ...good(1), data: new Uint8Array(100) }), /expected .* received/);
    const after = await odometry.track(good(2));
    assert.deepEqual([after.skipped, after.state], [false, 'INITIALIZING']);
    await odometry.close();
  });

  it('track after close', async () => {
    await odometry.track(good(0));
    await odometry.close();
    await assert.rejects(odometry.track(good(1)), { code: 'QPVO_CLOSED' });
  });

  it('two images at a time', async () => {
    const first = odometry.track(good(0));
    await assert.rejects(odometry.track(good(1)), { code: 'QPVO_BUSY' });
    await first;
    await odometry.close();
  });

  it('a frame whose pixels are reused as soon as the promise settles', async () => {
    const data = sidewaysImage(0).slice();
    const other = await createOdometry();
    const probe = async (o: PatchOdometry, frame: ImageFrame, index: number) => {
      const result = await o.track({ ...frame, stampNs: good(index).stampNs });
      frame.data.fill(255);
      return result.init?.medianFlowPx;
    };
    for (let i = 0; i < 3; i++) {
      data.set(sidewaysImage(i));
      const flow = await probe(odometry, { ...good(i), data }, i);
      assert.equal(flow, (await other.track(good(i))).init?.medianFlowPx);
    }
    await Promise.all([odometry.close(), other.close()]);
  });
});
