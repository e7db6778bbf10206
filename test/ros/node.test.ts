// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { temporaryFolder } from '../fixtures/temporaryFolder.ts';
import { echo, hasRosPackage, needsRos, Running, ros2, SLOW_MS, startProgram } from './rosMachine.ts';

const MAIN = 'src/ros/main.ts';
const CLI = 'src/cli/main.ts';
const SEQUENCE = 'demo/sequence';
const NODE = '/front/qpvo';
const ODOMETRY = 'nav_msgs/msg/Odometry';

/** Windows that a busy machine carries as well. */
const SMALL = ['-p', 'precision:=cpu_realtime_fp32', '-p', 'patches_per_frame:=16'];

describe('the odometry node over the real ROS 2', function () {
  this.timeout(2 * SLOW_MS);
  needsRos();
  const folder = temporaryFolder();
  let player: Running | undefined;
  let node: Running | undefined;

  afterEach(async () => {
    await Promise.all([player?.end('SIGTERM'), node?.end('SIGTERM')]);
  });

  function play(...args: string[]): void {
    player = startProgram(CLI, ['publish', SEQUENCE, '--loop', '--clock', '--namespace', '/front', ...args]);
  }

  function startNode(...args: string[]): Running {
    node = startProgram(MAIN, ['--ros-args', '-r', '__ns:=/front', ...SMALL, ...args]);
    return node;
  }

  const lifecycle = (...args: string[]) => ros2(['lifecycle', args[0]!, '--no-daemon', NODE, ...args.slice(1)]);

  it('images become odometry, transform and diagnostics, stamped as the images; Ctrl-C ends it', async () => {
    play();
    const running = startNode('-p', 'use_sim_time:=true');
    await running.says(/waiting for images on \/front\/image and calibration on \/front\/camera_info/);
    const odometry = await echo(`${NODE}/odometry`, ODOMETRY);
    assert.match(odometry, /frame_id: odom\s+child_frame_id: base_link/);
    const stampS = Number(/sec: (\d+)/.exec(odometry)?.[1]);
    const imageS = Number(/sec: (\d+)/.exec(await echo('/front/image', 'sensor_msgs/msg/Image', '--no-arr'))?.[1]);
    assert.ok(Math.abs(stampS - imageS) < 120, `odometry at ${stampS} s, images at ${imageS} s`);
    if (hasRosPackage('tf2_ros')) {
      const listener = new Running('ros2', ['run', 'tf2_ros', 'tf2_echo', 'odom', 'base_link']);
      await listener.says(/Translation: \[/);
      await listener.end();
    } else {
      console.log('      tf2_ros is not here: /tf is read instead of tf2_echo');
      assert.match(await echo('/tf', 'tf2_msgs/msg/TFMessage'), /frame_id: odom\s+child_frame_id: base_link/);
    }
    const diagnostics = await echo('/diagnostics', 'diagnostic_msgs/msg/DiagnosticArray');
    assert.match(diagnostics, /qpvo: tracking/);
    assert.doesNotMatch(diagnostics, /^ {4}sec: 0$/m, 'the clock of the node runs');
    assert.equal(await running.end('SIGINT'), 0, running.output);
    assert.doesNotMatch(running.output, /internal error/);
  });

  it('goes up and down by its lifecycle, and ends with code 0 from every state', async () => {
    const steps = ['configure', 'activate', 'deactivate', 'cleanup', 'shutdown'];
    const states = ['unconfigured', 'inactive', 'active', 'inactive', 'unconfigured', 'finalized'];
    const whole = startNode('-p', 'autostart:=false');
    await whole.says(/is there, unconfigured/);
    for (const [i, state] of states.entries()) {
      assert.match(await lifecycle('get'), new RegExp(`^${state} \\[`, 'm'));
      const step = steps[i];
      if (step !== undefined) assert.match(await lifecycle('set', step), /Transitioning successful/);
    }
    assert.equal(await whole.end('SIGTERM'), 0, whole.output);
    for (const [count, signal] of [
      [1, 'SIGINT'],
      [2, 'SIGTERM'],
    ] as const) {
      const part = startNode('-p', 'autostart:=false');
      await part.says(/is there/);
      for (const step of steps.slice(0, count)) assert.match(await lifecycle('set', step), /successful/);
      assert.equal(await part.end(signal), 0, part.output);
    }
  });

  it('parameters of a namespaced section hold; changes are taken or refused with a reason', async () => {
    const file = `${NODE}:\n  ros__parameters:\n    odom_frame: front_odom\n    base_to_camera: [0.1, 0, 0.2, -1.5708, 0, -1.5708]\n`;
    await writeFile(folder('qpvo.yaml'), file);
    const running = startNode('--params-file', folder('qpvo.yaml'));
    await running.says(/waiting for images/);
    const parameter = (...args: string[]) => ros2(['param', args[0]!, '--no-daemon', NODE, ...args.slice(1)]);
    assert.match(await parameter('get', 'odom_frame'), /front_odom/);
    assert.match(await parameter('set', 'scale', '2'), /successful/);
    assert.match(await parameter('get', 'scale'), /Double value is: 2\.0/);
    assert.match(await parameter('set', 'scale', '-1'), /failed: scale must be in 0 to/);
    assert.match(await parameter('set', 'odom_frame', 'other'), /failed: .*odom_frame/);
    assert.match(await parameter('describe', 'lost_policy'), /hold/);
  });

  it('services answer, also those that cannot be done now', async () => {
    const running = startNode('-p', 'autostart:=false');
    await running.says(/is there/);
    const trigger = (name: string) => ros2(['service', 'call', `${NODE}/${name}`, 'std_srvs/srv/Trigger']);
    assert.match(await lifecycle('set', 'configure'), /successful/);
    assert.match(await trigger('reset'), /success=False, message='.*not active/);
    assert.match(await lifecycle('set', 'activate'), /successful/);
    assert.match(await trigger('reset'), /success=True/);
    assert.match(await trigger('pause'), /success=True/);
    assert.equal(await running.end('SIGTERM'), 0);
  });

  it('an impossible setting keeps it unconfigured, with the reason in the log', async () => {
    const running = startNode('-p', 'precision:=orin_int8');
    await running.says(/\[ERROR\].*orin_int8/);
    assert.match(await lifecycle('get'), /unconfigured/);
    assert.equal(await running.end('SIGINT'), 0);
  });

  it('bad arguments end it at once with code 2 and a reason', async () => {
    const running = startProgram(MAIN, ['--ros-args', '-p', 'scale']);
    assert.equal(await running.ended(), 2);
    assert.match(running.output, /name:=value/);
    await writeFile(folder('bad.yaml'), 'qpvo:\n  scale: 3\n');
    const unreadable = startProgram(MAIN, ['--ros-args', '--params-file', folder('bad.yaml')]);
    assert.equal(await unreadable.ended(), 2);
    assert.match(unreadable.output, /bad\.yaml/);
  });

  it('starts by ros2 launch where the package is installed, and ends with it', async function () {
    if (!hasRosPackage('qpvo')) {
      console.log('      SKIPPED: the package qpvo is not installed (colcon build, then source install/setup.bash)');
      this.skip();
    }
    const launched = new Running('ros2', ['launch', 'qpvo', 'euroc.launch.py', `source:=${SEQUENCE}`, 'loop:=true']);
    try {
      await launched.says(/waiting for images/);
      assert.match(await echo('/qpvo/odometry', ODOMETRY), /child_frame_id: base_link/);
    } finally {
      await launched.end('SIGINT');
    }
    assert.match(launched.output, /process has finished cleanly/);
    assert.doesNotMatch(launched.output, /process has died|escalating/);
  });
});
