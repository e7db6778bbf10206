// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import type { TrackResult } from '../../../src/odometry/types.ts';
import { BLACK, noiseImage, sidewaysImage, type TrackedRun, trackImages } from '../../fixtures/trackedScene.ts';

/** Images of the walls, with others in between. */
function interrupted(count: number, from: number, to: number, other: (i: number) => Uint8Array): Uint8Array[] {
  return Array.from({ length: count }, (_, i) => (i >= from && i < to ? other(i) : sidewaysImage(i)));
}

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);
const sequences = (poses: { sequence: number }[]) => poses.map(({ sequence }) => sequence);

/** The states in order, each once. */
function course(results: TrackResult[]): string[] {
  return results.map(({ state }) => state).filter((state, i, all) => state !== all[i - 1]);
}

const BLIND_FROM = 13;
const BLIND_TO = 22;
const COUNT = 36;

for (const [name, other] of [
  ['black images', () => BLACK],
  ['noise', noiseImage],
] as const) {
  describe(`odometry that is blinded by ${name} and sees again`, function () {
    this.timeout(60_000);
    let run: TrackedRun;
    let lostAt: number;

    before(async () => {
      run = await trackImages(interrupted(COUNT, BLIND_FROM, BLIND_TO, other));
      lostAt = run.results.findIndex(({ state }) => state === 'LOST');
    });

    it('degrades at once, is lost after five images, collects again and tracks on', () => {
      assert.deepEqual(course(run.results), [
        'INITIALIZING',
        'TRACKING',
        'DEGRADED',
        'LOST',
        'INITIALIZING',
        'TRACKING',
      ]);
      assert.equal(run.results[BLIND_FROM]!.state, 'DEGRADED');
      assert.equal(lostAt, BLIND_FROM + 4);
      assert.equal(run.results[lostAt + 1]!.state, 'INITIALIZING');
    });

    it('every state but TRACKING has a reason; LOST and INITIALIZING have no pose', () => {
      for (const { state, reason, T_world_camera } of run.results) {
        assert.equal(reason === '', state === 'TRACKING', `${state}: ${reason}`);
        assert.equal(T_world_camera === undefined, state === 'LOST' || state === 'INITIALIZING');
      }
    });

    it('the new stretch is a segment of its own', () => {
      const segments = run.results.map(({ segment }) => segment);
      assert.deepEqual(segments, [...new Array(lostAt + 1).fill(0), ...new Array(COUNT - lostAt - 1).fill(1)]);
      for (const { sequence, segment } of run.finalPoses) assert.equal(segment, sequence < BLIND_FROM ? 0 : 1);
      assert.deepEqual([...new Set(run.finalPoints.map(({ segment }) => segment))], [0, 1]);
    });

    it('images of the blind time get no final pose, all others get one, in order', () => {
      const got = sequences(run.finalPoses);
      const blind = got.filter((sequence) => sequence >= BLIND_FROM && sequence < BLIND_TO);
      assert.deepEqual(blind, []);
      assert.deepEqual(got.slice(0, BLIND_FROM), range(0, BLIND_FROM));
      const after = got.slice(BLIND_FROM);
      assert.deepEqual(after, range(after[0]!, COUNT));
      // Noise may be collected for up to eight images before it is found out.
      assert.ok(after[0]! <= BLIND_TO + 8, `the first pose after is that of ${after[0]}`);
    });

    it('goes on where the last good pose was', () => {
      const [last, next] = [run.finalPoses[BLIND_FROM - 1]!, run.finalPoses[BLIND_FROM]!];
      const length = last.T_world_camera.t[0];
      const jump = Math.hypot(...next.T_world_camera.t.map((v, i) => v - last.T_world_camera.t[i]!));
      // The last live pose may differ from its final value by a fraction of a step (a twelfth of the length).
      assert.ok(jump < 0.05 * length, `a jump of ${jump} after ${length}`);
    });
  });
}

describe('odometry that is lost at the end', function () {
  this.timeout(60_000);
  let run: TrackedRun;

  before(async () => {
    run = await trackImages(interrupted(BLIND_FROM + 5, BLIND_FROM, 99, () => BLACK));
  });

  it('keeps all that was good', () => {
    assert.equal(run.results.at(-1)!.state, 'LOST');
    assert.deepEqual(sequences(run.finalPoses), range(0, BLIND_FROM));
  });

  it('finish adds no pose and no point to what came with the loss', () => {
    assert.deepEqual(run.atFinish, { poses: 0, points: 0 });
    // Two patches may have been drawn at the same place of an image: one in 700.
    const places = new Set(run.finalPoints.map(({ x, y, z }) => `${x} ${y} ${z}`));
    assert.ok(places.size > 0.95 * run.finalPoints.length, `${places.size} of ${run.finalPoints.length} are apart`);
  });
});

describe('odometry that must not start again by itself', function () {
  this.timeout(60_000);

  it('stays LOST for the rest of the run, and says why', async () => {
    const images = interrupted(30, BLIND_FROM, BLIND_FROM + 6, () => BLACK);
    const run = await trackImages(images, { autoReinitialize: false });
    const rest = run.results.slice(BLIND_FROM + 4);
    for (const r of rest) assert.deepEqual([r.state, r.T_world_camera, r.segment], ['LOST', undefined, 0]);
    for (const r of rest.slice(1)) assert.match(r.reason, /autoReinitialize is off/);
    assert.deepEqual(sequences(run.finalPoses), range(0, BLIND_FROM));
    assert.equal(run.atFinish.points, 0);
  });
});

describe('odometry that never sees anything', function () {
  this.timeout(60_000);

  for (const [name, image] of [
    ['black images', () => BLACK],
    ['noise', noiseImage],
  ] as const) {
    it(`${name}: no pose is made up`, async () => {
      const run = await trackImages(range(0, 18).map(image));
      for (const { state, T_world_camera, reason } of run.results) {
        assert.deepEqual([state, T_world_camera], ['INITIALIZING', undefined]);
        assert.notEqual(reason, '');
      }
      assert.deepEqual([run.finalPoses, run.finalPoints], [[], []]);
    });
  }
});
