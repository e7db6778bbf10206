// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { angleRad } from '../../../src/odometry/se3.ts';
import { frameOf, renderScene, sceneCamera, sideways, turned } from '../../fixtures/texturedScene.ts';
import { createOdometry, sidewaysImages, type TrackedRun, trackImages } from '../../fixtures/trackedScene.ts';

const numbers = (run: TrackedRun) => run.finalPoses.map(({ sequence }) => sequence);
const upTo = (count: number) => Array.from({ length: count }, (_, i) => i);

describe('odometry of a camera that moves sideways past textured walls', function () {
  this.timeout(60_000);
  const COUNT = 32;
  let run: TrackedRun;

  before(async () => {
    run = await trackImages(sidewaysImages(COUNT));
  });

  it('collects eight frames, then tracks', () => {
    const states = run.results.map(({ state }) => state);
    assert.deepEqual(states, [...new Array(7).fill('INITIALIZING'), ...new Array(COUNT - 7).fill('TRACKING')]);
    run.results.slice(0, 7).forEach((r, i) => {
      assert.equal(r.T_world_camera, undefined);
      assert.equal(r.init?.acceptedFrames, i + 1);
      assert.equal(r.init?.neededFrames, 8);
      assert.match(r.reason, /collecting frames/);
    });
    for (const r of run.results.slice(7)) {
      assert.equal(r.reason, '');
      assert.ok(r.T_world_camera !== undefined && r.health !== undefined && r.health.inlierShare > 0.5);
    }
  });

  it('every image gets one final pose, in order, most of them long before the end', () => {
    assert.deepEqual(numbers(run), upTo(COUNT));
    assert.ok(run.atFinish.poses <= 10, `${run.atFinish.poses} poses came at the end only`);
    for (const [i, { stampNs }] of run.finalPoses.entries()) assert.equal(stampNs, run.results[i]!.stampNs);
  });

  it('the path is the true line, up to scale: even steps to the right, no turn', () => {
    const first = run.finalPoses[0]!.T_world_camera;
    assert.deepEqual(first, { t: [0, 0, 0], q: [0, 0, 0, 1] });
    const length = run.finalPoses[COUNT - 1]!.T_world_camera.t[0];
    assert.ok(length > 0.02);
    for (const [i, { T_world_camera }] of run.finalPoses.entries()) {
      const [x, y, z] = T_world_camera.t;
      // Image noise and quarter pixels of the network; measured 1.2 % of the length, and 5 mrad.
      const off = Math.hypot(x - (length * i) / (COUNT - 1), y, z);
      assert.ok(off < 0.03 * length, `pose ${i} is ${off / length} of the length off the line`);
      assert.ok(angleRad(T_world_camera.q) < 0.02, `pose ${i} is turned by ${angleRad(T_world_camera.q)} rad`);
    }
  });

  it('live poses are near the final ones', () => {
    const length = run.finalPoses[COUNT - 1]!.T_world_camera.t[0];
    for (const { sequence, T_world_camera } of run.results) {
      if (T_world_camera === undefined) continue;
      const final = run.finalPoses[sequence]!.T_world_camera.t;
      const off = Math.hypot(...final.map((v, i) => v - T_world_camera.t[i]!));
      assert.ok(off < 0.05 * length, `the live pose of ${sequence} is ${off / length} of the length away`);
    }
  });

  it('map points lie on the walls: as far from each other in depth as those, in front of the camera', async () => {
    // Uniform patches: the strongest gradients are nearly all on the near boards.
    const run = await trackImages(sidewaysImages(COUNT), { patchSelection: 'random' });
    assert.ok(run.finalPoints.length > 500, `${run.finalPoints.length} points`);
    assert.ok(run.atFinish.points > 0 && run.atFinish.points < run.finalPoints.length / 2);
    // True steps are 0.08 a frame; the nearest wall is at 2, the farthest at 4.5.
    const scale = (0.08 * (COUNT - 1)) / run.finalPoses[COUNT - 1]!.T_world_camera.t[0];
    const depths = run.finalPoints.map(({ z }) => scale * z).sort((a, b) => a - b);
    const share = (low: number, high: number) => depths.filter((z) => z > low && z < high).length / depths.length;
    assert.ok(share(1.7, 5) > 0.9, `${share(1.7, 5)} of the points lie where walls are`);
    assert.ok(share(1.7, 2.3) > 0.1 && share(3.8, 5) > 0.1, 'the near boards and the far wall are both there');
    assert.ok(run.finalPoints.every(({ r, g, b, segment }) => r === g && g === b && segment === 0));
  });

  it('tells where the time goes, and that keyframes are among the poses', () => {
    const { stagesMs, latencyMs } = run.results.at(-1)!;
    const stages = ['prepare', 'encode', 'insert', 'correlate', 'update', 'bundleAdjust', 'commit'] as const;
    for (const stage of stages) assert.ok(stagesMs[stage]! > 0, stage);
    const sum = Object.values(stagesMs).reduce((a, b) => a + b, 0);
    assert.ok(sum <= latencyMs, `${sum} ms in stages of ${latencyMs} ms`);
    assert.ok(run.finalPoses.some(({ isKeyframe }) => isKeyframe));
  });
});

describe('odometry of a camera that moves slowly', function () {
  this.timeout(60_000);

  it('drops keyframes, whose poses lie on the line all the same', async () => {
    const camera = sceneCamera();
    const images = Array.from({ length: 26 }, (_, i) => renderScene(camera, sideways(i, 0.03)));
    const run = await trackImages(images);
    assert.deepEqual(numbers(run), upTo(26));
    const initialized = run.results.findIndex(({ state }) => state === 'TRACKING');
    const dropped = run.finalPoses.slice(initialized).filter(({ isKeyframe }) => !isKeyframe);
    assert.ok(dropped.length >= 3, `${dropped.length} keyframes were dropped`);
    const length = run.finalPoses.at(-1)!.T_world_camera.t[0];
    for (const { sequence, T_world_camera } of run.finalPoses) {
      const [x, y, z] = T_world_camera.t;
      // A third of the motion of the quicker run, with the same errors.
      const off = Math.hypot(x - (length * sequence) / 25, y, z) / length;
      assert.ok(off < 0.06, `pose ${sequence} is ${off} of the length off the line`);
    }
  });
});

describe('odometry before there is motion', function () {
  this.timeout(60_000);

  it('a camera that stands still stays INITIALIZING, says so, and has no pose', async () => {
    const image = sidewaysImages(1)[0]!;
    const run = await trackImages(new Array<Uint8Array>(12).fill(image));
    for (const [i, r] of run.results.entries()) {
      assert.equal(r.state, 'INITIALIZING');
      assert.equal(r.T_world_camera, undefined);
      assert.equal(r.init?.acceptedFrames, 1);
      if (i > 0) assert.match(r.reason, /motion/);
      if (i > 0) assert.ok(r.init!.medianFlowPx! < r.init!.neededFlowPx);
    }
    assert.deepEqual([run.finalPoses, run.finalPoints], [[], []]);
  });

  it('images from before the motion get their poses later, between their neighbours', async () => {
    const [first, ...rest] = sidewaysImages(14);
    const run = await trackImages([first!, first!, first!, first!, ...rest]);
    assert.deepEqual(numbers(run), upTo(17));
    const passed = run.finalPoses.slice(1, 4);
    const next = run.finalPoses[4]!.T_world_camera.t[0];
    passed.forEach(({ T_world_camera, isKeyframe }, i) => {
      assert.equal(isKeyframe, false);
      assert.ok(Math.abs(T_world_camera.t[0] - (next * (i + 1)) / 4) < 1e-9);
    });
  });

  it('a camera that turns on the spot does not initialise, and says why', async () => {
    const camera = sceneCamera();
    for (const rate of [0.01, 0.025]) {
      const images = Array.from({ length: 18 }, (_, i) => renderScene(camera, turned(rate * i)));
      const run = await trackImages(images, { seed: 1 });
      assert.ok(run.results.every(({ state, T_world_camera }) => state === 'INITIALIZING' && !T_world_camera));
      assert.ok(run.results.some(({ reason }) => /no parallax: .*move it sideways/.test(reason)));
      assert.deepEqual(run.finalPoses, []);
    }
  });

  it('starts as soon as the turning camera moves', async () => {
    const camera = sceneCamera();
    const images = Array.from({ length: 16 }, (_, i) =>
      renderScene(camera, { ...sideways(i, 0.03), q: turned(0.02 * i).q }),
    );
    const run = await trackImages(images);
    assert.equal(run.results.at(-1)!.state, 'TRACKING');
  });

  it('finish without initialisation gives nothing, with and without images', async () => {
    for (const count of [0, 1, 5]) {
      const run = await trackImages(sidewaysImages(count));
      assert.deepEqual([run.finalPoses, run.finalPoints], [[], []]);
    }
  });
});

describe('odometry of many images', function () {
  this.timeout(90_000);

  it('has no limit: poses keep coming out, what waits and what the process holds stays bounded', async () => {
    const camera = sceneCamera(128, 96);
    const loop = 40;
    const images = Array.from({ length: loop }, (_, i) => renderScene(camera, sideways(Math.min(i, loop - i), 0.09)));
    const odometry = await createOdometry({ patchesPerFrame: 16, removalWindow: 6, patchLifetime: 5 }, camera);
    let [given, out, waiting, early] = [0, 0, 0, 0];
    for (; given < 400; given++) {
      const result = await odometry.track(frameOf(camera, images[given % loop]!, given));
      for (const { sequence } of result.finalPoses) assert.equal(sequence, out++);
      waiting = Math.max(waiting, given + 1 - out);
      if (given === 100) early = process.memoryUsage().rss;
    }
    const grown = (process.memoryUsage().rss - early) / 2 ** 20;
    out += (await odometry.finish()).finalPoses.length;
    await odometry.close();
    assert.equal(out, 400);
    // Eight frames and those that stood still at the turning point before the first pose; afterwards the windows.
    assert.ok(waiting < 40, `${waiting} images waited for their final pose`);
    assert.ok(grown < 60, `300 images took ${grown} MB`);
  });
});
