// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { McapStreamReader } from '@mcap/core';
import { evaluateTrajectory } from '../../src/evaluation/evaluateTrajectory.ts';
import { readOdometry } from '../../src/messages/ros2/encode.ts';
import type { StampedPose } from '../../src/odometry/Pose.ts';
import { openSource } from '../../src/sources/openSource.ts';
import { temporaryFolder } from '../fixtures/temporaryFolder.ts';
import { echo, hasRosPackage, needsRos, Running, SLOW_MS, startProgram } from './rosMachine.ts';

const SEQUENCE = 'demo/sequence';
const ODOMETRY = 'nav_msgs/msg/Odometry';
/** Slow enough for a machine that does something else as well. */
const RATE = '0.4';

describe('the odometry node and rosbag2', function () {
  this.timeout(3 * SLOW_MS);
  needsRos();
  const folder = temporaryFolder();
  const started: Running[] = [];

  before(function () {
    if (hasRosPackage('rosbag2_storage_mcap') && hasRosPackage('ros2bag')) return;
    console.log('    SKIPPED: ros2 bag with mcap is not here');
    this.skip();
  });
  afterEach(async () => {
    await Promise.all(started.splice(0).map((running) => running.end('SIGINT')));
  });

  function run(running: Running): Running {
    started.push(running);
    return running;
  }

  const startNode = () =>
    run(startProgram('src/ros/main.ts', ['--ros-args', '-p', 'use_sim_time:=true', '-p', 'precision:=cpu_fp32_half']));

  it('what ros2 bag records of a live run agrees with ground truth, and played back it is odometry again', async () => {
    const node = startNode();
    await node.says(/waiting for images/);
    const topics = ['/qpvo/odometry', '/image', '/camera_info', '/tf_static'];
    const profile = ['--storage-preset-profile', 'fastwrite'];
    const recorder = run(
      new Running('ros2', ['bag', 'record', '-s', 'mcap', ...profile, '-o', folder('bag'), ...topics]),
    );
    await recorder.says(/Subscribed to topic '\/qpvo\/odometry'/);
    const player = startProgram('src/cli/main.ts', [
      'publish',
      SEQUENCE,
      '--clock',
      '--rate',
      RATE,
      '--wait-for-subscribers',
    ]);
    assert.equal(await run(player).ended(), 0, player.output);
    await recorder.end('SIGINT');
    await node.end('SIGINT');

    const poses = await posesIn(folder('bag'));
    const source = await openSource(SEQUENCE);
    const { ate } = evaluateTrajectory(
      poses.map((pose) => ({ ...pose, segment: 0 })),
      source.groundTruth!,
    ).overall;
    await source.close();
    console.log(`      ${poses.length} poses, ATE ${ate.translationM.rmse.toFixed(4)} m of 9.4 m`);
    assert.ok(poses.length > 100, `${poses.length} poses`);
    assert.ok(ate.translationM.rmse < 0.1, `ATE ${ate.translationM.rmse} m`);

    const again = startNode();
    await again.says(/waiting for images/);
    const play = [
      'bag',
      'play',
      folder('bag'),
      '--clock',
      '--rate',
      RATE,
      '--topics',
      '/image',
      '/camera_info',
      '/tf_static',
    ];
    run(new Running('ros2', play));
    assert.match(await echo('/qpvo/odometry', ODOMETRY), /frame_id: odom\s+child_frame_id: base_link/);
    assert.equal(await again.end('SIGINT'), 0, again.output);
  });

  it('nav2_ekf.launch.py: the filter of robot_localization follows and owns the transform', async function () {
    if (!hasRosPackage('robot_localization') || !hasRosPackage('qpvo')) {
      console.log('      SKIPPED: needs robot_localization and the installed package qpvo');
      this.skip();
    }
    const settings = ['scale:=1.0', 'precision:=cpu_fp32_half', 'base_to_camera:=0 0 0 -1.5708 0 -1.5708'];
    const launched = run(new Running('ros2', ['launch', 'qpvo', 'nav2_ekf.launch.py', ...settings]));
    await launched.says(/waiting for images/);
    run(startProgram('src/cli/main.ts', ['publish', SEQUENCE, '--now', '--loop', '--rate', RATE]));
    assert.match(await echo('/odometry/filtered', ODOMETRY), /frame_id: odom\s+child_frame_id: base_link/);
    assert.match(await echo('/tf', 'tf2_msgs/msg/TFMessage'), /frame_id: odom\s+child_frame_id: base_link/);
  });
});

/** Poses that were not marked as lost. */
async function posesIn(bag: string): Promise<StampedPose[]> {
  const file = (await readdir(bag)).find((name) => name.endsWith('.mcap'))!;
  const reader = new McapStreamReader();
  reader.append(await readFile(`${bag}/${file}`));
  const poses: StampedPose[] = [];
  let channel: number | undefined;
  for (let record = reader.nextRecord(); record !== undefined; record = reader.nextRecord()) {
    if (record.type === 'Channel' && record.topic === '/qpvo/odometry') channel = record.id;
    if (record.type !== 'Message' || record.channelId !== channel) continue;
    const { stampNs, pose, poseCovariance } = readOdometry(record.data);
    if (poseCovariance[0] !== 9999) poses.push({ stampNs, ...pose });
  }
  return poses;
}
