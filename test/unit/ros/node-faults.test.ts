// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { QpvoError } from '../../../src/error.ts';
import { diagonalCovariance, encodeOdometry } from '../../../src/messages/ros2/encode.ts';
import { forward } from '../../fixtures/ros/FakeOdometry.ts';
import { RELIABLE, RobotBench, stampOf, withResolvers } from '../../fixtures/ros/RobotBench.ts';

let bench: RobotBench;

function begin(options: ConstructorParameters<typeof RobotBench>[0] = {}): RobotBench {
  bench = RobotBench.started(options);
  return bench;
}

const xs = (): number[] => bench.xs();

describe('odometry node: bad input', () => {
  afterEach(() => bench.close());

  it('without camera_info it waits, says what is missing, and begins when it comes', async () => {
    begin({ parameters: { tf_timeout_s: 0.1 } });
    bench.sendImage(stampOf(0));
    await bench.until(() => bench.node.logged('error').includes('no camera_info on /camera_info'), 'the complaint');
    await bench.until(() => bench.diagnostics()['tracking']?.message.includes('camera_info') ?? false, 'diagnostics');
    assert.equal(bench.odometries().length, 0);
    await bench.drive(2, 1);
    assert.equal(bench.odometries().length, 2);
  });

  it('a camera that was never calibrated, or impossibly, is refused with the reason', async () => {
    begin();
    bench.sendInfo(64, 48, 0);
    await bench.settle();
    bench.sendImage(stampOf(0));
    await bench.until(
      () => bench.diagnostics()['tracking']?.message.includes('impossible focal length') ?? false,
      'it',
    );
    bench.sendInfoBytes(Uint8Array.of(0, 1, 0, 0, 9, 9));
    await bench.until(() => bench.diagnostics()['tracking']?.message.includes('ends too early') ?? false, 'garbage');
    assert.equal(bench.made.length, 0);
  });

  it('camera_info that changes makes a new odometry and a new segment; one that repeats does not', async () => {
    await begin().drive(3);
    bench.sendInfo();
    await bench.settle();
    await bench.drive(1, 3);
    assert.equal(bench.made.length, 1);
    bench.sendInfo(64, 48, 60);
    await bench.settle();
    bench.sendImage(stampOf(4));
    await bench.until(() => bench.made.length === 2 && bench.taken === 5, 'another odometry');
    await bench.settle();
    assert.ok(bench.made[0]!.closed);
    assert.match(bench.node.logged('info'), /calibration changed/);
    assert.equal(bench.statuses().at(-1)!.segment, 1);
    assert.deepEqual(xs(), [0, 0.1, 0.2, 0.3, 0.3], 'odom goes on from the last pose');
  });

  it('images of another size than camera_info says are told and left out', async () => {
    await begin().drive(2);
    bench.sendImage(stampOf(2), { width: 32, height: 48 });
    await bench.until(() => /images are 32x48.*is for 64x48/.test(bench.node.logged('warn')), 'the warning');
    await bench.drive(1, 3);
    assert.equal(bench.taken, 3);
    assert.equal(bench.statuses().at(-1)!.framesSkipped, 1);
    bench.sendInfo(32, 48);
    await bench.settle();
    bench.sendImage(stampOf(4), { width: 32, height: 48 });
    await bench.until(() => bench.made.length === 2 && bench.taken === 4, 'the new size');
  });

  it('an unknown encoding and garbage bytes are faults of one image, not of the node', async () => {
    await begin().drive(1);
    bench.sendImage(stampOf(1), { encoding: '32FC1' });
    await bench.until(() => bench.node.logged('warn').includes('unsupported image encoding'), 'the encoding');
    for (const bytes of [[], [0, 1], [0, 1, 0, 0, 1, 2, 3], Array(200).fill(255), [0, 9, 0, 0, ...Array(80).fill(1)]]) {
      bench.sendImageBytes(Uint8Array.from(bytes));
      await bench.settle();
    }
    await bench.until(() => bench.statuses().length > 0, 'status');
    await bench.drive(1, 2);
    assert.equal(bench.taken, 2);
    assert.equal(bench.statuses().at(-1)!.framesSkipped, 6);
    await bench.until(() => bench.diagnostics()['camera']?.level === 'ok', 'recovery');
  });

  it('a bag that begins again starts a new segment, from where odom was', async () => {
    await begin().drive(20);
    await bench.drive(3, 0);
    assert.equal(bench.odometry.restarts, 1);
    assert.match(bench.node.logged('info'), /stamps went back by 0\.950 s/);
    assert.deepEqual(xs().slice(18, 22), [1.8, 1.9, 1.9, 2], 'no jump');
    assert.equal(bench.statuses().at(-1)!.segment, 1);
  });

  it('two publishers on the image topic are reported', async () => {
    await begin().drive(1);
    const other = bench.graph.node('/other').advertise('sensor_msgs/msg/Image', '/image', RELIABLE);
    await bench.until(() => bench.diagnostics()['camera']?.message.includes('2 publishers') ?? false, 'the warning');
    assert.equal(bench.diagnostics()['camera']!.level, 'warn');
    other.close();
  });

  it('a silent camera is an error in the diagnostics and recovers by itself', async () => {
    await begin({ parameters: { camera_timeout_s: 0.1 } }).drive(1);
    await bench.until(() => bench.diagnostics()['camera']?.level === 'error', 'the error');
    assert.match(bench.diagnostics()['camera']!.message, /no image on \/image for/);
    assert.match(bench.node.logged('warn'), /no image on \/image for 0.1 s/);
    await bench.drive(1, 1);
    await bench.until(() => bench.node.logged('info').includes('images on /image again'), 'recovery');
  });

  it('an odometry that breaks takes the node to unconfigured, with the reason; configure recovers', async () => {
    let isBroken = true;
    begin({
      script: (frame) =>
        frame === 2 && isBroken
          ? { failure: new QpvoError('QPVO_DEVICE_LOST', { what: 'the device lost its state' }) }
          : { T_world_camera: forward(frame) },
    });
    bench.sendInfo();
    await bench.settle();
    for (let frame = 0; frame < 3; frame++) {
      bench.sendImage(stampOf(frame));
      await bench.until(() => bench.taken === frame + 1, 'the image');
    }
    await bench.until(() => bench.node.state === 'unconfigured', 'the way back');
    assert.match(bench.node.logged('error'), /device lost/);
    await bench.until(() => bench.diagnostics()['tracking']?.message.includes('device lost') ?? false, 'diagnostics');
    assert.equal(bench.diagnostics()['tracking']!.level, 'error');
    const error = bench.statuses().at(-1)!;
    assert.equal(error.state, 'ERROR');
    assert.match(error.reason, /device lost/);
    assert.ok(bench.made[0]!.closed, 'the memory of a GPU is free for the next one');
    isBroken = false;
    const before = xs().at(-1);
    assert.ok(bench.node.transition('configure') && bench.node.transition('activate'));
    await bench.drive(3);
    assert.equal(bench.statuses().at(-1)!.state, 'TRACKING');
    assert.equal(xs()[2], before, 'odom goes on');
  });

  it('the newest image wins, and those that were not taken are counted', async () => {
    const { promise, resolve } = withResolvers();
    await begin().drive(1);
    bench.odometry.gate = promise;
    for (let frame = 1; frame <= 10; frame++) {
      bench.sendImage(stampOf(frame));
      await bench.settle();
    }
    resolve();
    await bench.until(() => bench.odometries().length === 3, 'the one at work and the newest');
    await bench.settle();
    assert.deepEqual(
      bench.odometry.frames.map(({ stampNs }) => stampNs),
      [0, 1, 10].map(stampOf),
    );
    const { framesReceived, framesProcessed, framesDropped, framesSkipped } = bench.statuses().at(-1)!;
    assert.deepEqual([framesReceived, framesProcessed, framesDropped, framesSkipped], [11, 3, 8, 0]);
  });

  it('a stamp that repeats is skipped and counted once', async () => {
    await begin().drive(3);
    bench.sendImage(stampOf(2));
    await bench.until(() => bench.taken === 4, 'the image');
    await bench.drive(1, 3);
    const { framesReceived, framesProcessed, framesSkipped } = bench.statuses().at(-1)!;
    assert.deepEqual([framesReceived, framesProcessed, framesSkipped], [5, 4, 1]);
    assert.equal(bench.odometries().length, 4);
  });

  it('when only unusable images come, status and diagnostics do not go on saying TRACKING', async () => {
    await begin({ parameters: { camera_timeout_s: 0.15 } }).drive(3);
    const feed = setInterval(() => bench.sendImage(stampOf(10), { width: 32 }), 20);
    try {
      await bench.until(() => bench.diagnostics()['tracking']?.level === 'error', 'the error');
      assert.match(bench.diagnostics()['tracking']!.message, /no usable image for .*images are 32x48/);
      await bench.until(() => bench.statuses().at(-1)!.state === 'LOST', 'the status');
    } finally {
      clearInterval(feed);
    }
    await bench.drive(1, 30);
    assert.equal(bench.statuses().at(-1)!.state, 'TRACKING');
  });

  it('a camera whose stamps stand still is told with that reason', async () => {
    await begin({ parameters: { camera_timeout_s: 0.15 } }).drive(2);
    const feed = setInterval(() => bench.sendImage(stampOf(1)), 20);
    try {
      await bench.until(() => bench.diagnostics()['tracking']?.level === 'error', 'the error');
      assert.match(bench.diagnostics()['tracking']!.message, /no usable image for .* its stamp repeats/);
      assert.match(bench.diagnostics()['camera']!.message, /unusable images: its stamp repeats/);
    } finally {
      clearInterval(feed);
    }
  });

  it('a camera_info that goes bad is told, and the good one stays', async () => {
    await begin().drive(1);
    bench.sendInfo(64, 48, 0);
    await bench.until(() => bench.node.logged('warn').includes('camera_info cannot be used'), 'the warning');
    bench.sendImage(stampOf(1));
    await bench.until(() => bench.taken === 2, 'the next image');
    assert.equal(bench.made.length, 1);
  });

  it('a calibration that changes with every message does not open the networks each time', async () => {
    await begin({ leastReopenMs: 60_000 }).drive(1);
    for (let frame = 1; frame < 5; frame++) {
      bench.sendInfo(64, 48, 50 + frame);
      await bench.settle();
      bench.sendImage(stampOf(frame));
      await bench.settle();
    }
    assert.equal(bench.made.length, 1);
    assert.match(bench.node.logged('warn'), /calibration changes again and again/);
  });

  it('images that carry the frame of the robot are refused: no identity is assumed', async () => {
    begin({ parameters: { base_to_camera: [], tf_timeout_s: 0.05 } });
    bench.sendInfo();
    await bench.settle();
    bench.sendImage(stampOf(0), { frame: '/base_link' });
    await bench.until(() => /no optical frame/.test(bench.node.logged('error')), 'the complaint');
    assert.equal(bench.taken, 0);
  });
});

describe('odometry node: where the camera sits', () => {
  afterEach(() => bench.close());

  const LOOKS_FORWARD = { t: [0.2, 0, 0.5], q: [-0.5, 0.5, -0.5, 0.5] } as const;

  it('comes from /tf_static, through frames in between; without it the node waits and says what is missing', async () => {
    begin({ parameters: { base_to_camera: [], tf_timeout_s: 0.1 } });
    bench.sendInfo();
    await bench.settle();
    bench.sendImage(stampOf(0));
    await bench.until(() => /from base_link to camera_optical/.test(bench.node.logged('error')), 'the complaint');
    assert.equal(bench.taken, 0, 'no pose with an assumed mounting');
    bench.sendStatic('base_link', 'mast', { t: [0.2, 0, 0.5], q: [0, 0, 0, 1] });
    await bench.settle();
    bench.sendStatic('mast', 'camera_optical', { t: [0, 0, 0], q: [...LOOKS_FORWARD.q] });
    await bench.settle();
    await bench.drive(3, 1);
    assert.deepEqual(xs(), [0, 0.1, 0.2]);
  });

  it('an unreadable transform is named, and others still count', async () => {
    begin({ parameters: { base_to_camera: [], tf_timeout_s: 0.05 } });
    bench.sendInfo();
    bench.sendStatic('base_link', 'camera_optical', { t: [0, 0, Number.NaN], q: [0, 0, 0, 1] });
    await bench.settle();
    bench.sendImage(stampOf(0));
    await bench.until(() => /cannot be used/.test(bench.node.logged('error')), 'the complaint');
    bench.sendStatic('base_link', 'camera_optical', { t: [0, 0, 0], q: [...LOOKS_FORWARD.q] });
    await bench.settle();
    await bench.drive(2, 1);
    assert.deepEqual(xs(), [0, 0.1]);
  });

  it('images without a frame_id need camera_optical_frame or base_to_camera', async () => {
    begin({ parameters: { base_to_camera: [], tf_timeout_s: 0.05 } });
    bench.sendInfo();
    await bench.settle();
    bench.sendImage(stampOf(0), { frame: '' });
    await bench.until(() => /no frame_id.*camera_optical_frame/.test(bench.node.logged('error')), 'the complaint');
  });
});

describe('odometry node: scale', () => {
  afterEach(() => bench.close());

  it('a fixed scale multiplies, and ends with its segment', async () => {
    begin({
      parameters: { scale: 2.5 },
      script: (frame) => ({ T_world_camera: forward(frame), segment: frame < 3 ? 0 : 1 }),
    });
    await bench.drive(5);
    assert.deepEqual(xs(), [0, 2.5, 5, 5, 7.5]);
    const states = [...new Map(bench.statuses().map(({ stampNs, scaleState }) => [stampNs, scaleState])).values()];
    assert.deepEqual(states, ['FIXED', 'FIXED', 'FIXED', 'UNSCALED', 'UNSCALED']);
    assert.match(bench.node.logged('warn'), /scale is unknown/);
  });

  it('that is set between two segments holds for the next one', async () => {
    await begin().drive(2);
    await bench.graph.call('/qpvo/reset');
    await bench.graph.call('/qpvo/set_scale', { scale: 2 });
    await bench.drive(1, 2);
    assert.equal(bench.statuses().at(-1)!.scaleState, 'FIXED');
    bench.node.transition('deactivate');
    assert.equal(bench.node.setParameter('scale', 5), '');
    bench.node.transition('activate');
    await bench.drive(1, 3);
    assert.deepEqual([bench.statuses().at(-1)!.scaleState, bench.statuses().at(-1)!.scale], ['FIXED', 5]);
  });

  it('is estimated from wheel odometry', async () => {
    begin({ parameters: { scale_source: 'odometry', scale_window_s: 0.2, scale_min_distance_m: 0.1 } });
    const wheels = bench.graph.node('/wheels').advertise('nav_msgs/msg/Odometry', '/scale_odometry', RELIABLE);
    bench.sendInfo();
    await bench.settle();
    for (let frame = 0; frame < 60; frame++) {
      wheels.publish(
        encodeOdometry({
          stampNs: stampOf(frame),
          frame: 'wheel_odom',
          childFrame: 'base_link',
          pose: { t: [0.3 * frame, 0, 0], q: [0, 0, 0, 1] },
          poseCovariance: diagonalCovariance(0.01),
          twist: [0, 0, 0, 0, 0, 0],
          twistCovariance: diagonalCovariance(0.01),
        }),
      );
      await bench.settle();
      const before = bench.taken;
      bench.sendImage(stampOf(frame));
      await bench.until(() => bench.taken > before, 'the image');
    }
    await bench.settle();
    const status = bench.statuses().at(-1)!;
    assert.equal(status.scaleState, 'ESTIMATED');
    assert.ok(Math.abs(status.scale - 3) < 0.05, `${status.scale}`);
    const steps = xs()
      .slice(1)
      .map((x, i) => x - xs()[i]!);
    assert.ok(Math.abs(steps.at(-1)! - 0.3) < 0.01);
    assert.ok(
      steps.every((step) => step > 0.05 && step < 0.35),
      'no jump when the scale became known',
    );
    wheels.publish(Uint8Array.of(0, 1, 0));
    await bench.settle();
  });
});
