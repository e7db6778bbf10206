// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import type { PatchOdometry } from '../../../src/odometry/PatchOdometry.ts';
import type { FinalPose, TrackResult } from '../../../src/odometry/types.ts';
import { frameOf, sceneCamera } from '../../fixtures/texturedScene.ts';
import { BLACK, createOdometry, sidewaysImage } from '../../fixtures/trackedScene.ts';

const camera = sceneCamera();
const sequences = (poses: readonly FinalPose[]) => poses.map(({ sequence }) => sequence);
const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);

/** Tracks images from..to-1 of the scene; their stamps begin at `from`. */
async function trackScene(odometry: PatchOdometry, from: number, to: number): Promise<TrackResult[]> {
  const results: TrackResult[] = [];
  for (const index of range(from, to)) results.push(await odometry.track(frameOf(camera, sidewaysImage(index), index)));
  return results;
}

describe('odometry that is restarted', function () {
  this.timeout(60_000);
  let odometry: PatchOdometry;

  beforeEach(async () => {
    odometry = await createOdometry();
  });
  afterEach(() => odometry.close());

  it('gives out the segment as it stands and begins the next where the last pose was, with earlier stamps', async () => {
    const before = await trackScene(odometry, 10, 24);
    const last = before.at(-1)!.T_world_camera!;
    const ended = await odometry.restart();
    const out = [...before.flatMap(({ finalPoses }) => finalPoses), ...ended.finalPoses];
    assert.deepEqual(sequences(out), range(0, 14));
    assert.deepEqual(out.at(-1)!.T_world_camera, last);
    assert.ok(ended.finalPoints.length > 0 && ended.finalPoints.every(({ segment }) => segment === 0));

    const after = await trackScene(odometry, 0, 12);
    assert.deepEqual([after[0]!.state, after[0]!.segment, after[0]!.skipped], ['INITIALIZING', 1, false]);
    assert.equal(after[0]!.init?.acceptedFrames, 1);
    assert.equal(after.at(-1)!.state, 'TRACKING');
    const end = await odometry.finish();
    const next = [...after.flatMap(({ finalPoses }) => finalPoses), ...end.finalPoses];
    assert.deepEqual(sequences(next), range(14, 26));
    assert.ok(next.every(({ segment }) => segment === 1));
    // The first pose of a segment is that of the restart, but for the rounding of a composition with the identity.
    next[0]!.T_world_camera.t.forEach((v, i) => {
      assert.ok(Math.abs(v - last.t[i]!) < 1e-12);
    });
  });

  it('before the first image, and before there is a pose, gives nothing and starts to collect anew', async () => {
    assert.deepEqual(await odometry.restart(), { finalPoses: [], finalPoints: [] });
    const early = await trackScene(odometry, 0, 5);
    assert.deepEqual([early[4]!.segment, early[4]!.init?.acceptedFrames], [1, 5]);
    assert.deepEqual(await odometry.restart(), { finalPoses: [], finalPoints: [] });
    assert.deepEqual(await odometry.restart(), { finalPoses: [], finalPoints: [] });
    const [first] = await trackScene(odometry, 0, 1);
    assert.deepEqual([first!.segment, first!.init?.acceptedFrames], [3, 1]);
    assert.deepEqual(await odometry.finish(), { finalPoses: [], finalPoints: [] });
  });

  it('after a loss starts from the last pose before it, one segment further', async () => {
    const good = await trackScene(odometry, 0, 13);
    let lost: TrackResult | undefined;
    for (let i = 13; lost?.state !== 'LOST'; i++) lost = await odometry.track(frameOf(camera, BLACK, i));
    assert.deepEqual(await odometry.restart(), { finalPoses: [], finalPoints: [] });
    const after = await trackScene(odometry, 0, 9);
    assert.ok(after.every(({ segment }) => segment === 1));
    assert.equal(after.at(-1)!.state, 'TRACKING');
    const [first] = after.flatMap(({ finalPoses }) => finalPoses);
    assert.equal(lost.sequence, 13 + 4);
    const trusted = good.at(-1)!.T_world_camera!.t;
    first!.T_world_camera.t.forEach((v, i) => {
      assert.ok(Math.abs(v - trusted[i]!) < 1e-12);
    });
  });

  it('goes on even where autoReinitialize is off', async () => {
    await odometry.close();
    odometry = await createOdometry({ autoReinitialize: false });
    await trackScene(odometry, 0, 10);
    for (let i = 10; i < 17; i++) await odometry.track(frameOf(camera, BLACK, i));
    assert.equal((await odometry.track(frameOf(camera, BLACK, 20))).state, 'LOST');
    await odometry.restart();
    const [first] = await trackScene(odometry, 0, 1);
    assert.deepEqual([first!.state, first!.segment], ['INITIALIZING', 1]);
  });

  it('is refused while an image is at work', async () => {
    const running = trackScene(odometry, 0, 1);
    await assert.rejects(odometry.restart(), { code: 'QPVO_BUSY' });
    await running;
  });
});
