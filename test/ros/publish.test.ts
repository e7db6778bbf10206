// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import sharp from 'sharp';
import { temporaryFolder } from '../fixtures/temporaryFolder.ts';
import { echo, needsRos, SLOW_MS, startProgram } from './rosMachine.ts';

const CLI = 'src/cli/main.ts';
const [WIDTH, HEIGHT] = [752, 480];
const FRAMES = 300;
/** Of a camera with 60 images a second. */
const PERIOD_NS = 16_666_667n;
const FIRST_NS = 1_403_636_579_763_555_584n;

const SENSOR = `T_BS:
  data: [0, 0, 1, 0.1, -1, 0, 0, 0, 0, -1, 0, 0.2, 0, 0, 0, 1]
resolution: [${WIDTH}, ${HEIGHT}]
camera_model: pinhole
intrinsics: [458.654, 457.296, 367.215, 248.375]
distortion_model: radial-tangential
distortion_coefficients: [-0.28, 0.07, 0.0002, 0.00002]
`;

describe('qpvo publish over the real ROS 2', function () {
  this.timeout(SLOW_MS);
  needsRos();
  const folder = temporaryFolder();

  beforeEach(async () => {
    const camera = folder('mav0', 'cam0');
    await mkdir(`${camera}/data`, { recursive: true });
    await writeFile(`${camera}/sensor.yaml`, SENSOR);
    const image = { create: { width: WIDTH, height: HEIGHT, channels: 3 as const, background: '#777' } };
    await sharp(image).toColourspace('b-w').png({ compressionLevel: 1 }).toFile(`${camera}/data/image.png`);
    const lines = Array.from({ length: FRAMES }, (_, i) => `${FIRST_NS + BigInt(i) * PERIOD_NS},image.png`);
    await writeFile(`${camera}/data.csv`, lines.join('\n'));
  });

  it('brings every 752x480 image at 60 Hz to a reader in another process, with little delay of its event loop', async () => {
    const listener = startProgram('test/ros/listener.ts');
    await listener.says(/listening/);
    const player = startProgram(CLI, ['publish', folder(), '--wait-for-subscribers']);
    assert.equal(await player.ended(), 0, player.output);
    assert.match(player.output, new RegExp(`${FRAMES} images published`));
    await listener.end('SIGINT');
    const { images, inOrder, loopDelayMedianMs, sum } = JSON.parse(/\{.*\}/.exec(listener.output)![0]);
    console.log(`      ${images} of ${FRAMES} images, event loop delay p50 ${loopDelayMedianMs.toFixed(2)} ms`);
    assert.deepEqual([images, inOrder, sum], [FRAMES, true, FRAMES * (0x77 + WIDTH * HEIGHT)]);
    assert.ok(loopDelayMedianMs < 5);
  });

  it('camera_info, the transform of the camera and /clock are as the ros2 command reads them; Ctrl-C ends a loop', async () => {
    const args = ['publish', folder(), '--loop', '--clock', '--namespace', '/front', '--camera-frame', 'front_optical'];
    const player = startProgram(CLI, [...args, '--ros-args', '-r', '/front/camera_info:=/front/info']);
    const info = await echo('/front/info', 'sensor_msgs/msg/CameraInfo');
    assert.match(info, /frame_id: front_optical[\s\S]*distortion_model: plumb_bob\s+d:\s+- -0\.28/);
    const latched = ['--qos-durability', 'transient_local', '--qos-reliability', 'reliable'];
    const transform = await echo('/tf_static', 'tf2_msgs/msg/TFMessage', ...latched);
    assert.match(transform, /frame_id: base_link\s+child_frame_id: front_optical[\s\S]*x: 0\.1\s+y: 0\.0\s+z: 0\.2/);
    const [, ...q] = /x: (\S+)\s+y: (\S+)\s+z: (\S+)\s+w: (\S+)/.exec(transform)!.map(Number);
    const expected = [0.5, -0.5, 0.5, -0.5].map((value) => value * Math.sign(q[0]!));
    assert.deepEqual(q, expected, 'either sign is the same rotation');
    assert.match(await echo('/clock', 'rosgraph_msgs/msg/Clock'), /sec: 140363658\d|sec: 1403636579/);
    assert.equal(await player.end('SIGINT'), 0, player.output);
  });
});
