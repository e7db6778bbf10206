// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import type { CameraCalibration } from '../../../../src/camera/CameraCalibration.ts';
import { calibrationFromCameraInfo } from '../../../../src/camera/cameraInfo.ts';
import { readClock, readOdometry, readTransforms } from '../../../../src/messages/ros2/encode.ts';
import { readCameraInfo, readHeader, readImage } from '../../../../src/messages/sensorMessages.ts';
import type { Pose, StampedPose } from '../../../../src/odometry/Pose.ts';
import { compose, exp, type Tangent } from '../../../../src/odometry/se3.ts';
import { cameraInfoOf } from '../../../../src/ros/publish/cameraInfoOf.ts';
import { groundTruthMessages } from '../../../../src/ros/publish/groundTruthMessages.ts';
import { PlayClock } from '../../../../src/ros/publish/PlayClock.ts';
import { type PublishOptions, publishSource } from '../../../../src/ros/publish/publishSource.ts';
import type { RosQos } from '../../../../src/ros/RosNode.ts';
import { openSource } from '../../../../src/sources/openSource.ts';
import type { Source } from '../../../../src/sources/Source.ts';
import { writeAslCamera, writeAslGroundTruth } from '../../../fixtures/aslFiles.ts';
import { InProcessGraph } from '../../../fixtures/ros/InProcessGraph.ts';
import { stampOf } from '../../../fixtures/scenes.ts';
import { temporaryFolder } from '../../../fixtures/temporaryFolder.ts';
import { type ListItem, ListSource } from '../../cli/fakes.ts';
import { FakeTime } from './FakeTime.ts';

const CAMERA: CameraCalibration = {
  width: 32,
  height: 24,
  fx: 3,
  fy: 3.5,
  cx: 15.5,
  cy: 11.25,
  model: 'radtan',
  coefficients: [-0.2, 0.1, 0.001, 0.002],
  origin: 'test',
};
const RELIABLE: RosQos = { reliability: 'reliable', durability: 'volatile', depth: 100 };
const LATE: RosQos = { reliability: 'reliable', durability: 'transient_local', depth: 1 };
const T_BASE_CAMERA: Pose = { t: [0.1, 0, 0.2], q: [-0.5, 0.5, -0.5, 0.5] };
const MS = 1_000_000n;

const OPTIONS: PublishOptions = {
  names: { imageTopic: 'camera/image_raw', baseFrame: 'base_link', cameraFrame: 'cam' },
  camera: { calibration: CAMERA, T_base_camera: undefined, groundTruth: undefined },
  qos: RELIABLE,
  range: {},
  rate: 1,
  loop: false,
  stampNow: false,
  withClock: false,
  waitForSubscribers: false,
};

/** Publishes a source; `heard` are the messages by topic, in the order they came. */
function published(
  source: Source | readonly ListItem[],
  options: Partial<PublishOptions> = {},
  listenTo: Record<string, string> = { '/camera/image_raw': 'sensor_msgs/msg/Image' },
) {
  const graph = new InProcessGraph();
  const listener = graph.node('/listener');
  const heard: { topic: string; cdr: Uint8Array; atMs: number }[] = [];
  const time = new FakeTime();
  for (const [topic, type] of Object.entries(listenTo)) {
    const qos = topic === '/clock' ? { ...RELIABLE, reliability: 'best_effort' as const } : RELIABLE;
    listener.subscribe(type, topic, topic === '/tf_static' ? LATE : qos, (cdr) =>
      heard.push({ topic, cdr, atMs: time.ms }),
    );
  }
  const said: string[] = [];
  const abort = new AbortController();
  const listed = 'frames' in source ? source : new ListSource(source);
  const whole = { ...OPTIONS, ...options };
  const outcome = publishSource(listed, graph.node('/player'), whole, (line) => said.push(line), abort.signal, time);
  return { graph, heard, said, time, abort, outcome };
}

/** Lets messages be delivered. */
const delivered = () => new Promise((resolve) => setTimeout(resolve, 2));

const imageStamps = (heard: { topic: string; cdr: Uint8Array }[]) =>
  heard.filter(({ topic }) => topic.endsWith('image_raw')).map(({ cdr }) => readHeader(cdr, 'cdr').stampNs);

describe('publishing a source', () => {
  it('images and camera_info carry the same stamp and frame', async () => {
    const { heard, outcome } = published(
      [5n * MS, 55n * MS],
      {},
      {
        '/camera/image_raw': 'sensor_msgs/msg/Image',
        '/camera/camera_info': 'sensor_msgs/msg/CameraInfo',
      },
    );
    assert.deepEqual(await outcome, { published: 2, faults: 0, latestMs: 0, damaged: undefined });
    await delivered();
    assert.deepEqual(
      heard.map(({ topic, cdr }) => [topic, readHeader(cdr, 'cdr')]),
      [5n, 55n].flatMap((ms) =>
        ['/camera/camera_info', '/camera/image_raw'].map((topic) => [topic, { stampNs: ms * MS, frameId: 'cam' }]),
      ),
    );
    const image = readImage(heard[3]!.cdr, 'cdr');
    assert.deepEqual(
      [image.width, image.height, image.step, image.encoding, image.data[0]],
      [4, 4, 4, 'mono8', Number((55n * MS) % 256n)],
    );
    const info = calibrationFromCameraInfo(readCameraInfo(heard[0]!.cdr, 'cdr'), 'test');
    assert.deepEqual(info, { ...CAMERA, coefficients: [...CAMERA.coefficients, 0] });
  });

  for (const [rate, waitMs] of [
    [1, 50],
    [0.5, 100],
    [4, 12.5],
  ] as const) {
    it(`plays at ${rate} times the recorded speed`, async () => {
      const { time, outcome } = published([0n, 50n * MS, 100n * MS], { rate });
      await outcome;
      assert.deepEqual(time.sleeps.slice(1, 3), [waitMs, waitMs]);
    });
  }

  it('images that are late go out at once, in order, and the greatest delay is told', async () => {
    const { time, outcome, heard } = published([0n, 10n * MS, 20n * MS, 30n * MS]);
    time.onSleep = () => {
      time.ms += 15;
      time.onSleep = () => undefined;
    };
    const { latestMs, published: count } = await outcome;
    assert.deepEqual([latestMs, count], [15, 4]);
    await delivered();
    assert.deepEqual(imageStamps(heard), [0n, 10n * MS, 20n * MS, 30n * MS]);
  });

  it('stamps of the present keep their distances, by the rate', async () => {
    const { heard, outcome } = published([7n * MS, 57n * MS], { stampNow: true, rate: 2 });
    await outcome;
    await delivered();
    const [first, second] = imageStamps(heard);
    assert.equal(first, 1_700_000_000_000_000_000n + 1300n * MS);
    assert.equal(second! - first!, 25n * MS);
  });

  it('loops until the end is wished, each time at the recorded speed; present stamps go on', async () => {
    const { time, abort, heard, outcome } = published([0n, 10n * MS], { loop: true });
    time.onSleep = () => {
      if (time.sleeps.length === 4) abort.abort();
    };
    assert.equal((await outcome).published, 5);
    await delivered();
    assert.deepEqual(imageStamps(heard), [0n, 10n * MS, 0n, 10n * MS, 0n]);
  });

  it('a loop over nothing ends', async () => {
    const { outcome } = published(['no image'], { loop: true });
    assert.deepEqual(await outcome, { published: 0, faults: 1, latestMs: 0, damaged: undefined });
  });

  it('damaged images are told and passed over, a damaged end ends it', async () => {
    const { outcome, said } = published([0n, 'torn', 10n * MS, { end: 'cut off' }], { loop: true });
    assert.deepEqual(await outcome, { published: 2, faults: 1, latestMs: 0, damaged: 'cut off' });
    assert.deepEqual(said, ['skipped: torn']);
  });

  it('/clock shows the recorded time, between the images too', async () => {
    const { heard, outcome } = published(
      [0n, 25n * MS],
      { withClock: true, rate: 0.5 },
      { '/clock': 'rosgraph_msgs/msg/Clock' },
    );
    await outcome;
    await delivered();
    const clocks = heard.map(({ cdr }) => readClock(cdr));
    assert.deepEqual(
      clocks,
      [0n, 5n, 10n, 15n, 20n, 25n].map((ms) => ms * MS),
    );
  });

  it('looks for subscribers for a second, or until there is one when that is wished', async () => {
    const without = published([0n], {}, {});
    await without.outcome;
    assert.ok(without.time.sleeps.length >= 50);

    const { graph, said, time, outcome } = published([0n], { waitForSubscribers: true }, {});
    time.onSleep = () => {
      if (time.sleeps.length === 200)
        graph.node('/late').subscribe('sensor_msgs/msg/Image', '/camera/image_raw', RELIABLE, () => undefined);
    };
    assert.equal((await outcome).published, 1);
    assert.ok(time.sleeps.length >= 200);
    assert.deepEqual(said, ['Waiting for a subscriber of the images.']);
  });

  it('waiting for a subscriber can be given up', async () => {
    const { abort, time, outcome } = published([0n], { waitForSubscribers: true }, {});
    time.onSleep = () => abort.abort();
    assert.equal((await outcome).published, 0);
  });
});

describe('publishing an ASL folder', () => {
  const folder = temporaryFolder();

  it('gives the transform of the camera, and ground truth of the body', async () => {
    await writeAslCamera(folder(), 3);
    await writeAslGroundTruth(folder(), 3);
    const source = await openSource(folder());
    const camera = { calibration: undefined, T_base_camera: source.T_body_camera, groundTruth: source.groundTruth };
    const { heard, outcome } = published(
      source,
      { camera, range: { startS: 0.01 } },
      {
        '/tf_static': 'tf2_msgs/msg/TFMessage',
        '/ground_truth': 'nav_msgs/msg/Odometry',
        '/camera/camera_info': 'sensor_msgs/msg/CameraInfo',
      },
    );
    await outcome;
    await delivered();
    assert.deepEqual(
      heard.map(({ topic }) => topic),
      ['/tf_static', '/ground_truth', '/ground_truth'],
      'no camera_info without calibration, no ground truth before the first image',
    );
    const [transform] = readTransforms(heard[0]!.cdr);
    assert.deepEqual([transform!.frame, transform!.child], ['base_link', 'cam']);
    assert.deepEqual(transform!.pose.t, [0.1, 0.2, 0.3]);
    const truth = readOdometry(heard[1]!.cdr);
    assert.deepEqual([truth.frame, truth.childFrame, truth.stampNs], ['world', 'base_link', stampOf(1)]);
    near(truth.pose.t, [2, 2, 3]);
  });
});

describe('ground truth as odometry', () => {
  const twist: Tangent = [0.5, -0.2, 0.1, 0.3, -0.4, 0.2];
  const T_world_base = [0, 1, 2].map((i) => exp(twist.map((value) => value * 0.1 * i) as Tangent));
  const poses: StampedPose[] = T_world_base.map((pose, i) => ({
    stampNs: BigInt(i) * 100n * MS,
    ...compose(pose, T_BASE_CAMERA),
  }));

  it('has the pose of the child frame and its velocity, the first one too', () => {
    const messages = groundTruthMessages(poses, T_BASE_CAMERA, 'world', 'base_link');
    for (const [i, message] of messages.entries()) {
      near(message.pose.t, T_world_base[i]!.t);
      near(message.twist, twist);
    }
  });

  it('tells no velocity over a gap, between equal stamps, or of a single pose', () => {
    const gap = [poses[0]!, { ...poses[1]!, stampNs: 2_000_000_000n }];
    const equal = [poses[0]!, { ...poses[1]!, stampNs: 0n }];
    for (const list of [gap, equal, [poses[0]!]]) {
      for (const message of groundTruthMessages(list, T_BASE_CAMERA, 'world', 'base_link')) {
        assert.deepEqual(message.twist, [0, 0, 0, 0, 0, 0]);
      }
    }
  });
});

describe('camera_info of a calibration', () => {
  const models: [CameraCalibration['model'], number[], string][] = [
    ['none', [], 'plumb_bob'],
    ['radtan', [0.1, 0.2, 0.3, 0.4, 0.5], 'plumb_bob'],
    ['rational', [1, 2, 3, 4, 5, 6, 7, 8], 'rational_polynomial'],
    ['equidistant', [0, 0, 0, 0], 'equidistant'],
  ];
  for (const [model, coefficients, name] of models) {
    it(`${model} is ${name} and comes back as it was`, () => {
      const calibration = { ...CAMERA, model, coefficients };
      const info = cameraInfoOf(calibration);
      assert.equal(info.distortion_model, name);
      assert.deepEqual(calibrationFromCameraInfo(info, 'test'), calibration);
      const rectified = calibrationFromCameraInfo(info, 'test', { rectified: true });
      assert.deepEqual([rectified.fx, rectified.cy, rectified.model], [CAMERA.fx, CAMERA.cy, 'none']);
    });
  }
});

describe('play clock', () => {
  it('must be started', () => {
    assert.throws(() => new PlayClock(1, new FakeTime()).nowNs(), /was not started/);
  });

  it('turns recorded moments into waiting times and back', () => {
    const time = new FakeTime();
    const clock = new PlayClock(2, time);
    clock.start(1_403_636_579_763_555_584n);
    time.ms += 10;
    assert.equal(clock.nowNs(), 1_403_636_579_763_555_584n + 20n * MS);
    assert.equal(clock.untilMs(1_403_636_579_763_555_584n + 100n * MS), 40);
  });
});

function near(actual: readonly number[], expected: readonly number[]): void {
  for (const [i, value] of expected.entries())
    assert.ok(Math.abs(actual[i]! - value) < 1e-9, `${actual} ~ ${expected}`);
}
