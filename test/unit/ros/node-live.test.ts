// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import {
  encodeCameraInfo,
  encodeImage,
  PathMessage,
  readOdometry,
  readOdometryStatus,
} from '../../../src/messages/ros2/encode.ts';
import type { Pose } from '../../../src/odometry/Pose.ts';
import { isFinitePose } from '../../../src/odometry/se3.ts';
import { drawTracks } from '../../../src/ros/drawTracks.ts';
import { OdomFrame } from '../../../src/ros/frames/OdomFrame.ts';
import { poseFromNumbers } from '../../../src/ros/frames/poseFromNumbers.ts';
import { OdometryNode } from '../../../src/ros/OdometryNode.ts';
import { InProcessGraph } from '../../fixtures/ros/InProcessGraph.ts';
import { LOOKS_FORWARD, RELIABLE } from '../../fixtures/ros/RobotBench.ts';
import { sceneCamera } from '../../fixtures/texturedScene.ts';
import { sidewaysImages, trackImages } from '../../fixtures/trackedScene.ts';

const IMAGES = 16;
const SMALL_WINDOWS = { removal_window: 8, optimization_window: 6, patch_lifetime: 7 };
const stampOf = (frame: number): bigint => BigInt(frame) * 50_000_000n;

/** A node with the real odometry, given the images one by one over the graph. */
async function live(images: readonly Uint8Array[]): Promise<(Pose | undefined)[]> {
  const graph = new InProcessGraph();
  const node = graph.node('/qpvo', {
    ...SMALL_WINDOWS,
    base_to_camera: LOOKS_FORWARD,
    precision: 'cpu_fp32',
    threads: 2,
    lost_policy: 'silent',
  });
  const logic = new OdometryNode(node);
  const driver = graph.node('/driver');
  const image = driver.advertise('sensor_msgs/msg/Image', '/image', RELIABLE);
  const info = driver.advertise('sensor_msgs/msg/CameraInfo', '/camera_info', RELIABLE);
  const poses: (Pose | undefined)[] = images.map(() => undefined);
  let done = 0;
  const reader = graph.node('/reader');
  reader.subscribe('nav_msgs/msg/Odometry', '/qpvo/odometry', RELIABLE, (cdr) => {
    const { stampNs, pose } = readOdometry(cdr);
    poses[Number(stampNs / 50_000_000n)] = pose;
  });
  reader.subscribe('qpvo/msg/OdometryStatus', '/qpvo/status', RELIABLE, (cdr) => {
    done = readOdometryStatus(cdr).framesProcessed;
  });
  logic.start();
  const { width, height, fx, fy, cx, cy } = sceneCamera();
  const k = [fx, 0, cx, 0, fy, cy, 0, 0, 1];
  info.publish(
    encodeCameraInfo({
      stampNs: 0n,
      frame: 'camera',
      width,
      height,
      distortion_model: '',
      d: [],
      k,
      r: [1, 0, 0, 0, 1, 0, 0, 0, 1],
      p: [fx, 0, cx, 0, 0, fy, cy, 0, 0, 0, 1, 0],
    }),
  );
  for (const [frame, data] of images.entries()) {
    const before = done;
    image.publish(
      encodeImage({
        stampNs: stampOf(frame),
        frame: 'camera',
        width,
        height,
        encoding: 'mono8',
        isBigEndian: false,
        step: width,
        data,
      }),
    );
    const endMs = performance.now() + 20_000;
    while (done === before && performance.now() < endMs) await new Promise((resolve) => setTimeout(resolve, 1));
    assert.ok(done > before, `image ${frame} was not answered: ${JSON.stringify(node.logs)}`);
  }
  await logic.close();
  assert.deepEqual(graph.thrown, []);
  return poses;
}

describe('odometry node: live as offline', () => {
  it('gives the same trajectory to the bit, seen from base_link', async function () {
    this.timeout(60_000);
    const images = sidewaysImages(IMAGES);
    const poses = await live(images);
    const { results } = await trackImages(images);
    const frame = new OdomFrame(poseFromNumbers(LOOKS_FORWARD));
    const expected = results.map(
      ({ T_world_camera, segment }) => T_world_camera && frame.update({ segment, T_world_camera, scale: 1 }),
    );
    assert.ok(
      expected.filter((pose) => pose !== undefined && isFinitePose(pose)).length >= 8,
      'there is something to compare',
    );
    assert.deepEqual(poses, expected);
  });
});

describe('odometry node: cost of what is published', () => {
  it('a debug image of 752x480 is drawn and encoded in less than 10 ms', () => {
    const [width, height] = [752, 480];
    const gray = new Uint8Array(width * height).fill(90);
    const tracks = Float32Array.from({ length: 5 * 600 }, (_, i) => [50, 60, 110, 90, 0.4][i % 5]! + (i % 300));
    const costsMs = Array.from({ length: 15 }, () => {
      const startMs = performance.now();
      const data = drawTracks({ width, height, gray, tracks });
      encodeImage({
        stampNs: 0n,
        frame: 'c',
        width,
        height,
        encoding: 'rgb8',
        isBigEndian: false,
        step: 3 * width,
        data,
      });
      return performance.now() - startMs;
    }).sort((a, b) => a - b);
    assert.ok(costsMs[3]! < 10, `${costsMs.map((ms) => ms.toFixed(1))} ms`);
  });

  it('a path of 1,000 poses takes less than 2 ms to add to and encode', () => {
    const path = new PathMessage('odom', 1000);
    const pose: Pose = { t: [1, 2, 3], q: [0, 0, 0, 1] };
    for (let k = 0; k < 1000; k++) path.add(BigInt(k), pose);
    const costsMs: number[] = [];
    for (let k = 1000; k < 1200; k++) {
      const startMs = performance.now();
      path.add(BigInt(k), pose);
      assert.equal(path.encode(BigInt(k)).length > 80_000, true);
      costsMs.push(performance.now() - startMs);
    }
    costsMs.sort((a, b) => a - b);
    assert.ok(costsMs[100]! < 2, `median ${costsMs[100]} ms`);
  });
});
