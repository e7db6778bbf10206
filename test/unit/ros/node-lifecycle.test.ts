// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { forward } from '../../fixtures/ros/FakeOdometry.ts';
import { RobotBench, stampOf, withResolvers } from '../../fixtures/ros/RobotBench.ts';

let bench: RobotBench;

function begin(options: ConstructorParameters<typeof RobotBench>[0] = {}): RobotBench {
  bench = RobotBench.started(options);
  return bench;
}

const xs = (): number[] => bench.xs();

describe('odometry node: lifecycle', () => {
  afterEach(() => bench.close());

  it('with autostart it becomes active, without it waits', () => {
    assert.equal(begin().node.state, 'active');
    void bench.close();
    assert.equal(begin({ parameters: { autostart: false } }).node.state, 'unconfigured');
  });

  it('listens only while it is active, and odom goes on after a pause of the lifecycle', async () => {
    await begin().drive(4);
    assert.ok(bench.node.transition('deactivate'));
    bench.sendImage(stampOf(4));
    await bench.settle();
    assert.equal(bench.taken, 4);
    assert.ok(bench.node.transition('activate'));
    await bench.drive(3, 5);
    assert.ok(bench.made[0]!.closed);
    assert.deepEqual(xs(), [0, 0.1, 0.2, 0.3, 0.3, 0.4, 0.5]);
    const deviations = bench.odometries().map(({ poseCovariance }) => Math.sqrt(poseCovariance[0]!));
    assert.ok(deviations[4]! > deviations[3]! + 0.05, 'the way while nothing listened is uncertain');
    assert.deepEqual([...new Set(bench.statuses().map(({ segment }) => segment))], [0, 1]);
  });

  it('cleanup forgets, and all topics and services end', async () => {
    await begin().drive(2);
    assert.ok(bench.node.transition('deactivate') && bench.node.transition('cleanup'));
    assert.deepEqual([...bench.graph.services.keys()], []);
    for (const topic of ['/qpvo/odometry', '/tf', '/qpvo/path', '/qpvo/points', '/qpvo/status', '/qpvo/debug_image'])
      assert.equal(bench.graph.topics.get(topic)!.writers.length, 0, topic);
    for (const topic of ['/image', '/camera_info']) assert.equal(bench.graph.topics.get(topic)!.readers.length, 0);
    assert.ok(bench.node.transition('configure') && bench.node.transition('activate'));
    await bench.drive(2, 2);
    assert.deepEqual(xs(), [0, 0.1, 0, 0.1]);
  });

  for (const state of ['unconfigured', 'inactive', 'active'] as const) {
    it(`ends from ${state}, also with an image at work`, async () => {
      begin({ parameters: { autostart: state === 'active' } });
      if (state === 'inactive') bench.node.transition('configure');
      if (state === 'active') {
        await bench.drive(1);
        bench.odometry.workMs = 50;
        bench.sendImage(stampOf(1));
        await bench.settle();
      }
      assert.equal(bench.node.state, state);
      assert.ok(bench.node.transition('shutdown'));
      await bench.logic.close();
      for (const odometry of bench.made) assert.ok(odometry.closed);
      assert.equal(bench.odometries().length, state === 'active' ? 1 : 0, 'nothing after the end');
    });
  }

  it('is deactivated, cleaned up and activated again while the networks are still being opened', async () => {
    const { promise, resolve } = withResolvers();
    begin({ opening: promise });
    bench.sendInfo();
    await bench.settle();
    bench.sendImage(stampOf(0));
    await bench.settle();
    for (const step of ['deactivate', 'cleanup', 'configure', 'activate'] as const)
      assert.ok(bench.node.transition(step), step);
    resolve();
    await bench.drive(2, 1);
    assert.equal(bench.made.length, 2);
    assert.ok(bench.made[0]!.closed && bench.made[0]!.frames.length === 0);
    assert.equal(bench.odometries().length, 2);
  });

  it('is deactivated while another odometry is being made for another calibration, and goes on', async () => {
    await begin().drive(2);
    const { promise, resolve } = withResolvers();
    bench.odometry.closing = promise;
    bench.sendInfo(64, 48, 60);
    await bench.settle();
    bench.sendImage(stampOf(2));
    await bench.settle();
    assert.ok(bench.node.transition('deactivate') && bench.node.transition('activate'));
    resolve();
    await bench.drive(2, 3);
    assert.equal(bench.odometries().length, 4);
    await bench.logic.close();
  });

  it('cleanup with an image at work publishes nothing more', async () => {
    const { promise, resolve } = withResolvers();
    await begin().drive(2);
    bench.odometry.gate = promise;
    bench.sendImage(stampOf(2));
    await bench.until(() => bench.taken === 3, 'the image');
    assert.ok(bench.node.transition('deactivate') && bench.node.transition('cleanup'));
    resolve();
    await bench.until(() => bench.odometry.closed, 'the end of the odometry');
    assert.equal(bench.odometries().length, 2);
  });

  it('a transition that works again clears the fault of one that did not', async () => {
    begin({ parameters: { camera_file: '/not/there.yaml' } });
    await bench.until(() => bench.diagnostics()['tracking']?.level === 'error', 'the error');
    assert.ok(bench.node.transition('cleanup'));
    assert.equal(bench.node.setParameter('camera_file', ''), '');
    assert.ok(
      bench.node.transition('configure') && bench.node.transition('activate') && bench.node.transition('deactivate'),
    );
    await bench.until(() => bench.diagnostics()['tracking']?.level === 'ok', 'no error');
  });

  it('a profile that cannot run here fails at configure, with those that can', () => {
    begin({ parameters: { precision: 'orin_int8' } });
    assert.equal(bench.node.state, 'unconfigured');
    assert.match(bench.node.logged('error'), /orin_int8 cannot run here.*cpu_fp32/);
  });

  it('an unknown profile fails at configure, and can be set right', async () => {
    begin({ parameters: { precision: 'cpu_fp23' } });
    assert.match(bench.node.logged('error'), /unknown profile "cpu_fp23".*cpu_fp32/);
    assert.equal(bench.node.setParameter('precision', 'cpu_fp32_half'), '');
    assert.ok(bench.node.transition('configure') && bench.node.transition('activate'));
    await bench.drive(1);
  });

  it('a bad value of a parameter is told at start, and the node can still be configured with a good one', () => {
    begin({ parameters: { path_max_size: -5 } });
    assert.equal(bench.node.state, 'unconfigured');
    assert.match(bench.node.logged('error'), /path_max_size.*whole number/);
    assert.equal(bench.node.setParameter('path_max_size', 5), '');
    assert.ok(bench.node.transition('configure'));
  });

  it('a missing camera_file fails at activate', () => {
    begin({ parameters: { camera_file: '/not/there.yaml' } });
    assert.equal(bench.node.state, 'inactive');
    assert.match(bench.node.logged('error'), /not\/there\.yaml/);
  });

  it('another profile at the next configure shows in the parameters', () => {
    const { node } = begin({ parameters: { removal_window: 20 } });
    assert.equal(node.parameters.get('patches_per_frame')!.value, 48);
    assert.ok(node.transition('deactivate') && node.transition('cleanup'));
    assert.equal(node.setParameter('precision', 'cpu_realtime'), '');
    assert.ok(node.transition('configure'));
    assert.equal(node.parameters.get('patches_per_frame')!.value, 32);
    assert.equal(node.parameters.get('removal_window')!.value, 20);
  });

  it('a value that is shown already still counts when it is set before configure', () => {
    const { node } = begin({ parameters: { camera_timeout_s: -1 } });
    assert.equal(node.state, 'unconfigured');
    assert.equal(node.setParameter('camera_timeout_s', 2), '', 'the default, which is shown');
    assert.equal(node.setParameter('precision', 'cpu_realtime'), '');
    assert.equal(node.setParameter('patches_per_frame', 48), '');
    assert.ok(node.transition('configure'));
    assert.equal(node.parameters.get('patches_per_frame')!.value, 48);
  });

  it('an unknown parameter is a warning that names the nearest', () => {
    begin({ parameters: { base_fram: 'x' } });
    assert.match(bench.node.logged('warn'), /base_fram.*base_frame/);
  });

  it('parameters of the odometry are declared with range and text, and held while it runs', () => {
    const { node } = begin({ parameters: { patches_per_frame: 32 } });
    const declared = node.parameters.get('patches_per_frame')!;
    assert.deepEqual([declared.value, declared.integer, declared.range], [32, true, [8, 256]]);
    assert.match(declared.description, /Patches sampled/);
    assert.match(node.setParameter('patches_per_frame', 64), /while the node is configured/);
    assert.equal(node.setParameter('patches_per_frame', 32), '', 'which it is already');
    assert.match(node.setParameter('lost_policy', 'explode'), /hold or publish_null_when_lost or silent/);
  });

  it('a namespaced node puts its topics in its namespace', async () => {
    bench = new RobotBench({ name: '/front/qpvo', remaps: { image: '/cam0/image_raw', camera_info: '/camera_info' } });
    bench.logic.start();
    assert.ok(bench.graph.topics.has('/front/qpvo/odometry'));
    assert.ok(bench.graph.services.has('/front/reset_odom'));
    assert.equal(bench.graph.topics.get('/cam0/image_raw')!.readers.length, 1);
  });

  it('camera_info is looked for beside the image when only the image is remapped', () => {
    bench = new RobotBench({ remaps: { image: '/cam0/image_raw' } });
    bench.logic.start();
    assert.equal(bench.graph.topics.get('/cam0/camera_info')!.readers.length, 1);
  });
});

describe('odometry node: services', () => {
  afterEach(() => bench.close());

  it('reset begins a segment and keeps odom', async () => {
    await begin({ script: (frame, { restarts }) => ({ T_world_camera: forward(0.1 * frame + restarts) }) }).drive(3);
    assert.equal((await bench.graph.call('/qpvo/reset'))['success'], true);
    await bench.drive(2, 3);
    assert.deepEqual(xs(), [0, 0.1, 0.2, 0.2, 0.3]);
    assert.deepEqual(await bench.graph.call('/reset_odom'), {});
    await bench.drive(1, 5);
    assert.equal(bench.odometry.restarts, 2);
  });

  it('reset_to_pose moves base_link there', async () => {
    await begin().drive(3);
    const pose = { position: { x: 5, y: 6, z: 0 }, orientation: { x: 0, y: 0, z: Math.SQRT1_2, w: Math.SQRT1_2 } };
    assert.equal((await bench.graph.call('/qpvo/reset_to_pose', { pose }))['success'], true);
    await bench.drive(2, 3);
    const [first, second] = bench
      .odometries()
      .slice(-2)
      .map(({ pose: { t } }) => t.map((v) => Number(v.toFixed(6))));
    assert.deepEqual(first, [5, 6, 0]);
    assert.deepEqual(second, [5, 6.1, 0], 'forward is +y now');
    const refused = await bench.graph.call('/qpvo/reset_to_pose', {
      pose: { position: { x: Number.NaN, y: 0, z: 0 } },
    });
    assert.equal(refused['success'], false);
    assert.match(String(refused['message']), /pose/);
  });

  it('reset_to_pose with an image at work begins exactly there', async () => {
    const { promise, resolve } = withResolvers();
    await begin({ script: (frame) => ({ T_world_camera: forward(frame) }) }).drive(3);
    bench.odometry.gate = promise;
    bench.sendImage(stampOf(3));
    await bench.until(() => bench.taken === 4, 'the image');
    const pose = { position: { x: 10, y: 0, z: 0 }, orientation: { x: 0, y: 0, z: 0, w: 1 } };
    await bench.graph.call('/qpvo/reset_to_pose', { pose });
    resolve();
    await bench.settle();
    bench.odometry.gate = undefined;
    await bench.drive(2, 4);
    assert.deepEqual(xs(), [0, 1, 2, 10, 11]);
  });

  it('after reset_to_pose the new pose is held until there is another', async () => {
    begin({ script: (frame) => (frame < 3 || frame > 5 ? { T_world_camera: forward(frame) } : {}) });
    await bench.drive(3);
    const pose = { position: { x: 10, y: 0, z: 0 }, orientation: { x: 0, y: 0, z: 0, w: 1 } };
    await bench.graph.call('/qpvo/reset_to_pose', { pose });
    await bench.drive(5, 3);
    assert.deepEqual(xs(), [0, 1, 2, 10, 10, 10, 10, 11]);
  });

  it('reset_to_pose before the first image is where odom begins', async () => {
    begin();
    const pose = { position: { x: 1, y: 2, z: 3 }, orientation: { x: 0, y: 0, z: 0, w: 1 } };
    await bench.graph.call('/qpvo/reset_to_pose', { pose });
    await bench.drive(2);
    assert.deepEqual(
      bench.odometries().map(({ pose: { t } }) => t[0].toFixed(3)),
      ['1.000', '1.100'],
    );
  });

  it('pause ignores images, resume goes on', async () => {
    await begin().drive(2);
    await bench.graph.call('/qpvo/pause');
    bench.sendImage(stampOf(2));
    await bench.settle();
    assert.equal(bench.taken, 2);
    await bench.until(() => bench.statuses().at(-1)?.state === 'PAUSED', 'the status');
    await bench.graph.call('/resume_odom');
    await bench.drive(1, 3);
    assert.equal(bench.taken, 3);
    assert.equal(bench.statuses().at(-1)!.state, 'TRACKING');
  });

  it('set_scale takes effect with the next image, without a jump', async () => {
    await begin().drive(3);
    assert.equal((await bench.graph.call('/qpvo/set_scale', { scale: 10 }))['success'], true);
    await bench.drive(2, 3);
    assert.deepEqual(xs(), [0, 0.1, 0.2, 1.2, 2.2]);
    for (const scale of [-1, Number.NaN, Number.POSITIVE_INFINITY])
      assert.equal((await bench.graph.call('/qpvo/set_scale', { scale }))['success'], false, String(scale));
    assert.equal(bench.statuses().at(-1)!.scale, 10);
  });

  it('save_trajectory writes what was published', async () => {
    await begin().drive(3);
    const folder = mkdtempSync(join(tmpdir(), 'qpvo-trajectory-'));
    try {
      const path = join(folder, 'run.tum');
      const answer = await bench.graph.call('/qpvo/save_trajectory', { path });
      assert.equal(answer['poses'], 3n);
      const lines = readFileSync(path, 'utf8').trim().split('\n');
      assert.equal(lines.length, 3);
      assert.match(lines[1]!, /^1700000000\.050000000 0\.1\d* /);
      const here = process.cwd();
      process.chdir(folder);
      try {
        const named = await bench.graph.call('/qpvo/save_trajectory', { path: '' });
        assert.equal(named['success'], true);
        assert.match(String(named['message']), /qpvo-trajectory-\d{4}-\d\d-\d\dT.*\.tum/);
      } finally {
        process.chdir(here);
      }
      const failed = await bench.graph.call('/qpvo/save_trajectory', { path: join(folder, 'no/such/run.tum') });
      assert.deepEqual([failed['success'], failed['poses']], [false, 0n]);
      assert.match(String(failed['message']), /cannot write/);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('get_state gives the status; the others say so when the node is not active', async () => {
    begin({ parameters: { autostart: false } }).node.transition('configure');
    const { status } = (await bench.graph.call('/qpvo/get_state')) as { status: Record<string, unknown> };
    assert.equal(status['state_text'], 'STARTING');
    const answer = await bench.graph.call('/qpvo/pause');
    assert.equal(answer['success'], false);
    assert.match(String(answer['message']), /not active.*ros2 lifecycle set/);
  });
});
