// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { encodeCompressedImage, readPointCloud } from '../../../src/messages/ros2/encode.ts';
import { readImage } from '../../../src/messages/sensorMessages.ts';
import type { Pose } from '../../../src/odometry/Pose.ts';
import { poseFromNumbers } from '../../../src/ros/frames/poseFromNumbers.ts';
import { forward } from '../../fixtures/ros/FakeOdometry.ts';
import {
  LOOKS_FORWARD,
  RELIABLE,
  RobotBench,
  START_NS,
  stampOf,
  withResolvers,
} from '../../fixtures/ros/RobotBench.ts';

/** The last bench that a test made. */
let bench: RobotBench;

function begin(options: ConstructorParameters<typeof RobotBench>[0] = {}): RobotBench {
  bench = RobotBench.started(options);
  return bench;
}

const close = (a: readonly number[], b: readonly number[], tolerance = 1e-12): void => {
  assert.equal(a.length, b.length);
  for (const [i, value] of a.entries()) assert.ok(Math.abs(value - b[i]!) <= tolerance, `${a} is not ${b}`);
};

describe('odometry node: what it publishes', () => {
  afterEach(() => bench.close());

  it('a camera that moves forward moves base_link along +x, stamped as the images', async () => {
    await begin().drive(5);
    const odometries = bench.odometries();
    assert.deepEqual(
      odometries.map((o) => o.stampNs),
      [0, 1, 2, 3, 4].map(stampOf),
    );
    const last = odometries[4]!;
    assert.equal(last.frame, 'odom');
    assert.equal(last.childFrame, 'base_link');
    close(last.pose.t, [0.4, 0, 0]);
    close(last.pose.q, [0, 0, 0, 1]);
    close(last.twist.slice(0, 3), [2, 0, 0], 1e-9);
    close(odometries[0]!.pose.t, [0, 0, 0]);
  });

  it('a camera that looks to the left of the robot moves base_link to the left', async () => {
    // Optical z is +y of the base: x right of the camera is +x of the base.
    const left = [0.1, 0.2, 0.3, -Math.SQRT1_2, 0, 0, Math.SQRT1_2];
    await begin({ parameters: { base_to_camera: left } }).drive(3);
    close(bench.odometries()[2]!.pose.t, [0, 0.2, 0]);
  });

  it('the transform and the path say what the odometry says', async () => {
    await begin().drive(4);
    const odometries = bench.odometries();
    const transforms = bench.transforms();
    assert.equal(transforms.length, 4);
    transforms.forEach(({ stampNs, frame, child, pose }, i) => {
      assert.deepEqual([stampNs, frame, child], [odometries[i]!.stampNs, 'odom', 'base_link']);
      assert.deepEqual(pose, odometries[i]!.pose);
    });
    const path = bench.paths().at(-1)!;
    assert.deepEqual(
      path.poses.map(({ t }) => t),
      odometries.map(({ pose }) => pose.t),
    );
  });

  it('the transform can be switched off and inverted while it runs', async () => {
    await begin({ parameters: { publish_odom_to_base_tf: false } }).drive(2);
    assert.equal(bench.transforms().length, 0);
    assert.equal(bench.node.setParameter('publish_odom_to_base_tf', true), '');
    assert.equal(bench.node.setParameter('invert_odom_to_base_tf', true), '');
    await bench.drive(1, 2);
    const [transform] = bench.transforms();
    assert.deepEqual([transform!.frame, transform!.child], ['base_link', 'odom']);
    close(transform!.pose.t, [-0.2, 0, 0]);
  });

  it('the path keeps the newest path_max_size poses, and none when that is 0', async () => {
    await begin({ parameters: { path_max_size: 3 } }).drive(5);
    assert.deepEqual(
      bench
        .paths()
        .at(-1)!
        .poses.map(({ stampNs }) => stampNs),
      [2, 3, 4].map(stampOf),
    );
    assert.equal(bench.node.setParameter('path_max_size', 0), '');
    const before = bench.paths().length;
    await bench.drive(2, 5);
    assert.equal(bench.paths().length, before);
  });

  it('the covariance is finite, symmetric, positive and grows with the way', async () => {
    await begin({ parameters: { scale: 1 } }).drive(30);
    const traces = bench.odometries().map(({ poseCovariance: C }) => {
      for (let i = 0; i < 36; i++) {
        assert.ok(Number.isFinite(C[i]!));
        assert.equal(C[i], C[6 * (i % 6) + Math.floor(i / 6)]);
      }
      for (let i = 0; i < 6; i++) assert.ok(C[7 * i]! > 0);
      return C[0]! + C[7]! + C[14]!;
    });
    assert.ok(traces[29]! > traces[1]!, `${traces[1]} to ${traces[29]}`);
    assert.ok(traces[29]! < 10);
  });

  it('while the scale is a guess, the way is as uncertain as it is long', async () => {
    await begin().drive(30);
    const { poseCovariance, twistCovariance } = bench.odometries().at(-1)!;
    assert.ok(Math.sqrt(poseCovariance[0]!) > 2.8, 'of 2.9 units');
    assert.ok(Math.sqrt(twistCovariance[0]!) > 1.9, 'of 2 units a second');
  });

  it('a gap between images leaves no velocity', async () => {
    await begin({ parameters: { scale: 1 } }).drive(3);
    await bench.drive(1, 63);
    const late = bench.odometries().at(-1)!;
    assert.deepEqual(late.twist, [0, 0, 0, 0, 0, 0]);
    assert.equal(late.twistCovariance[0], 9999);
    assert.ok(late.poseCovariance[0]! < 1);
  });

  it('another camera on another mount turns the motion, without a jump', async () => {
    const rear = [0, 0, 0, -0.5, -0.5, 0.5, 0.5];
    begin({ parameters: { base_to_camera: [] } });
    bench.sendStatic('base_link', 'front', poseFromNumbers(LOOKS_FORWARD));
    bench.sendStatic('base_link', 'rear', poseFromNumbers(rear));
    await bench.settle();
    bench.sendInfo();
    await bench.settle();
    for (let frame = 0; frame < 6; frame++) {
      bench.sendImage(stampOf(frame), { frame: frame < 3 ? 'front' : 'rear' });
      await bench.until(() => bench.taken === frame + 1, 'the image');
    }
    await bench.settle();
    close(
      bench.odometries().map(({ pose }) => pose.t[0]),
      [0, 0.1, 0.2, 0.2, 0.1, 0],
      1e-9,
    );
  });

  it('before the first pose nothing is held, so that odom does not jump', async () => {
    begin({ script: (frame) => (frame < 3 ? {} : { T_world_camera: forward(0.1 * frame) }) });
    await bench.drive(5);
    assert.deepEqual(
      bench.odometries().map(({ stampNs }) => stampNs),
      [3, 4].map(stampOf),
    );
    assert.equal(bench.transforms().length, 2);
    close(bench.odometries()[0]!.pose.t, [0.3, 0, 0], 1e-9);
  });

  it('status says state, counts, stages and profile', async () => {
    await begin().drive(3);
    const status = bench.statuses().at(-1)!;
    assert.equal(status.state, 'TRACKING');
    assert.equal(status.stampNs, stampOf(2));
    assert.equal(status.framesReceived, 3);
    assert.equal(status.framesProcessed, 3);
    assert.equal(status.framesDropped, 0);
    assert.deepEqual(status.stagesMs, { encode: 3, update: 5 });
    assert.equal(status.profile, 'cpu_fp32_half');
    assert.equal(status.scaleState, 'UNSCALED');
    assert.ok(Math.abs(status.distance - 0.2) < 1e-9);
    assert.equal(status.latencyMs, 0);
  });

  it('points go out in odom, once there is somebody to read them', async () => {
    const point = { x: 1, y: 2, z: 3, r: 10, g: 20, b: 30, segment: 0 };
    begin({ script: (frame) => ({ T_world_camera: forward(0), finalPoints: frame === 1 ? [point] : [] }) });
    const clouds = bench.listen('sensor_msgs/msg/PointCloud2', '/qpvo/points');
    await bench.drive(3);
    const { frame, points } = readPointCloud(clouds[0]!);
    assert.equal(frame, 'odom');
    assert.equal(points.length, 1);
    // Optical (x right, y down, z forward) to base (x forward, y left, z up).
    close([points[0]!.x, points[0]!.y, points[0]!.z], [3, -1, -2], 1e-6);
    assert.deepEqual([points[0]!.r, points[0]!.g, points[0]!.b], [10, 20, 30]);
  });

  it('the debug image shows the tracks, only while somebody looks', async () => {
    await begin({ parameters: { debug_image_rate_hz: 0.001 } }).drive(2);
    const images = bench.listen('sensor_msgs/msg/Image', '/qpvo/debug_image', {
      reliability: 'best_effort',
      durability: 'volatile',
      depth: 1,
    });
    await bench.drive(2, 2);
    assert.equal(images.length, 1, 'not more than the rate');
    const image = readImage(images[0]!, 'cdr');
    assert.deepEqual([image.width, image.height, image.encoding, image.data.length], [16, 8, 'rgb8', 16 * 8 * 3]);
    const pixel = (x: number, y: number): number[] => [...image.data.subarray(3 * (16 * y + x), 3 * (16 * y + x) + 3)];
    assert.deepEqual(pixel(6, 2), [0, 255, 0], 'on a trusted track');
    assert.deepEqual(pixel(4, 7), [255, 0, 0], 'on one that is not, which leaves the image');
    assert.deepEqual(pixel(0, 7), [100, 100, 100]);
  });

  it('works without the messages of this package, and says so once', async () => {
    const types = ['OdometryStatus', 'SetScale', 'ResetToPose', 'SaveTrajectory', 'GetState'];
    const missingTypes = types.map((name) => `qpvo/${name === 'OdometryStatus' ? 'msg' : 'srv'}/${name}`);
    bench = new RobotBench({ missingTypes });
    bench.listen('nav_msgs/msg/Odometry', '/qpvo/odometry');
    bench.logic.start();
    await bench.drive(2);
    assert.equal(bench.odometries().length, 2);
    assert.equal(bench.node.logged('warn').match(/not generated/g)?.length, 1);
    assert.deepEqual([...bench.graph.services.keys()].sort(), [
      '/pause_odom',
      '/qpvo/pause',
      '/qpvo/reset',
      '/qpvo/resume',
      '/reset_odom',
      '/resume_odom',
    ]);
  });

  it('reads the compressed topic with image_transport compressed, and calibration from a file', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'qpvo-camera-'));
    const file = join(folder, 'camera.yaml');
    writeFileSync(
      file,
      'camera_model: pinhole\nintrinsics: [50, 50, 32, 24]\ndistortion_model: radtan\ndistortion_coefficients: [0, 0, 0, 0]\nresolution: [64, 48]\n',
    );
    try {
      begin({ parameters: { image_transport: 'compressed', camera_file: file } });
      const camera = bench.graph.node('/compressing');
      const images = camera.advertise('sensor_msgs/msg/CompressedImage', '/image/compressed', RELIABLE);
      const pixels = { create: { width: 64, height: 48, channels: 3 as const, background: '#555' } };
      const data = await sharp(pixels).jpeg().toBuffer();
      images.publish(
        encodeCompressedImage({ stampNs: stampOf(0), frame: 'camera', format: 'rgb8; jpeg compressed bgr8', data }),
      );
      await bench.until(() => bench.taken === 1, 'the image');
      assert.deepEqual(bench.odometry.frames[0], { stampNs: stampOf(0), width: 64, height: 48 });
      images.publish(
        encodeCompressedImage({ stampNs: stampOf(1), frame: 'camera', format: 'jpeg', data: data.subarray(0, 40) }),
      );
      await bench.until(() => /cannot be decoded/.test(bench.node.logged('warn')), 'the warning');
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('override_publishing_stamp stamps with the clock of the node', async () => {
    const { promise, resolve } = withResolvers();
    begin({ parameters: { override_publishing_stamp: true } });
    await bench.drive(1);
    bench.odometry.gate = promise;
    bench.sendImage(stampOf(1));
    await bench.until(() => bench.taken === 2, 'the image');
    bench.graph.nowNs = START_NS + 77_000_000n;
    resolve();
    await bench.until(() => bench.odometries().length === 2, 'its odometry');
    assert.equal(bench.odometries()[1]!.stampNs, START_NS + 77_000_000n);
    assert.equal(bench.transforms()[1]!.stampNs, START_NS + 77_000_000n);
  });

  it('a new segment and a new scale keep odom continuous', async () => {
    const jump: Pose = { t: [5, 5, 5], q: [0, 0, 0, 1] };
    begin({
      script: (frame) =>
        frame < 5
          ? { T_world_camera: forward(0.1 * frame) }
          : frame < 8
            ? { state: 'LOST', segment: 0 }
            : { T_world_camera: { ...jump, t: [5, 5, 5 + 0.2 * (frame - 8)] }, segment: 1 },
    });
    await bench.drive(11);
    const xs = bench.odometries().map(({ pose }) => pose.t[0]);
    close(xs, [0, 0.1, 0.2, 0.3, 0.4, 0.4, 0.4, 0.4, 0.4, 0.6, 0.8], 1e-9);
    const C = bench.odometries().map(({ poseCovariance }) => poseCovariance[0]!);
    assert.deepEqual(C.slice(5, 8), [9999, 9999, 9999]);
    assert.ok(C[8]! > C[4]! && C[8]! < 9999, 'the way without a pose is uncertain');
    assert.equal(bench.node.setParameter('scale', 3), '');
    await bench.drive(1, 11);
    close(bench.odometries().at(-1)!.pose.t, [0.8 + 3 * 0.2, 0, 0], 1e-9);
    assert.equal(bench.statuses().at(-1)!.scaleState, 'FIXED');
  });
});

describe('odometry node: lost tracking', () => {
  afterEach(() => bench.close());

  const lossy = (parameters: Record<string, string>): RobotBench =>
    begin({
      parameters,
      script: (frame) => (frame === 3 ? { state: 'LOST' } : { T_world_camera: forward(0.1 * frame) }),
    });

  it('hold: the last pose with covariance 9999, and the transform goes on', async () => {
    await lossy({ lost_policy: 'hold' }).drive(4);
    const held = bench.odometries()[3]!;
    close(held.pose.t, [0.2, 0, 0]);
    assert.equal(held.poseCovariance[0], 9999);
    assert.equal(held.twistCovariance[35], 9999);
    assert.equal(bench.transforms().length, 4);
    assert.equal(bench.statuses().at(-1)!.state, 'LOST');
    assert.equal(bench.paths().at(-1)!.poses.length, 3);
  });

  it('publish_null_when_lost: zeros with covariance 9999, no transform', async () => {
    await lossy({ lost_policy: 'publish_null_when_lost' }).drive(4);
    const empty = bench.odometries()[3]!;
    assert.deepEqual(
      [empty.pose.t, empty.pose.q],
      [
        [0, 0, 0],
        [0, 0, 0, 0],
      ],
    );
    assert.equal(empty.poseCovariance[0], 9999);
    assert.equal(bench.transforms().length, 3);
  });

  it('silent: nothing', async () => {
    await lossy({ lost_policy: 'silent' }).drive(5);
    assert.deepEqual(
      bench.odometries().map(({ stampNs }) => stampNs),
      [0, 1, 2, 4].map(stampOf),
    );
    assert.equal(bench.transforms().length, 4);
    assert.equal(bench.statuses().length, 5);
  });
});
