// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { temporaryFolder } from '../fixtures/temporaryFolder.ts';
import { echo, needsRos, type Running, ros2, SLOW_MS, startProgram } from './rosMachine.ts';

const NODE = '/deep/ns/faulty';
const CLOCK = 'rosgraph_msgs/msg/Clock';
const TRIGGER = 'std_srvs/srv/Trigger';

describe('a node over the real rclnodejs', function () {
  this.timeout(SLOW_MS);
  needsRos();
  const folder = temporaryFolder();
  let node: Running;

  beforeEach(async () => {
    // As launch_ros writes it: rclnodejs itself would not find the section of a node in a namespace.
    const file = `${NODE}:\n  ros__parameters:\n    gain: 4\n    numbers: []\n    use_sim_time: true\n`;
    await writeFile(folder('parameters.yaml'), file);
    const args = ['-r', '__ns:=/deep/ns', '--params-file', folder('parameters.yaml'), '-p', 'text:=b'];
    node = startProgram('test/ros/faultyNode.ts', ['--ros-args', ...args]);
    await node.says(/ready/);
  });
  afterEach(async () => {
    await node.end('SIGTERM');
  });

  it('survives callbacks that throw, and says so', async () => {
    const published = await ros2(['topic', 'pub', '--times', '3', '-w', '1', `${NODE}/in`, CLOCK]);
    assert.match(published, /publishing #3/);
    assert.match(await ros2(['service', 'call', `${NODE}/fail`, TRIGGER]), /success=False, message='broken service'/);
    assert.match(
      await ros2(['service', 'call', `${NODE}/fail_later`, TRIGGER]),
      /success=False, message='broken promise'/,
    );
    assert.match(await ros2(['param', 'set', '--no-daemon', NODE, 'text', 'throw']), /failed: internal error/);
    assert.match(await ros2(['lifecycle', 'set', '--no-daemon', NODE, 'configure']), /successful/);
    assert.match(await ros2(['lifecycle', 'set', '--no-daemon', NODE, 'activate']), /failed/);
    assert.match(await ros2(['lifecycle', 'get', '--no-daemon', NODE]), /inactive/);
    const impossible = ['service', 'call', `${NODE}/change_state`, 'lifecycle_msgs/srv/ChangeState'];
    assert.match(await ros2([...impossible, '{transition: {id: 1}}']), /success=False/);
    for (const what of ['subscription', 'service', 'promise', 'parameter', 'transition']) {
      assert.match(node.output, new RegExp(`Error: broken ${what}`));
    }
    assert.equal(await node.end('SIGTERM'), 0);
  });

  it('bytes come and go unchanged', async () => {
    assert.match(await echo(`${NODE}/out`, CLOCK), /sec: 7\s+nanosec: 9/);
    const echoed = echo(`${NODE}/out`, CLOCK, '--filter', 'm.clock.sec == 1403636579');
    const message = '{clock: {sec: 1403636579, nanosec: 763555584}}';
    await ros2(['topic', 'pub', '--times', '20', '-r', '5', '-w', '1', `${NODE}/echo`, CLOCK, message]);
    assert.match(await echoed, /sec: 1403636579\s+nanosec: 763555584/);
  });

  it('parameters: section of a namespaced node, command line, types, ranges, lists', async () => {
    const [, overrides] = await node.says(/overrides (\[\[.*\]\])/);
    assert.deepEqual(JSON.parse(overrides!), [
      ['gain', 4],
      ['numbers', []],
      ['use_sim_time', true],
      ['text', 'b'],
    ]);
    const set = (name: string, value: string) => ros2(['param', 'set', '--no-daemon', NODE, name, value]);
    assert.match(await set('gain', '2'), /successful/);
    assert.match(await ros2(['param', 'get', '--no-daemon', NODE, 'gain']), /Double value is: 2\.0/);
    assert.match(await set('gain', '11.5'), /gain must be in 0 to 10, not 11\.5/);
    assert.match(await set('count', '2.5'), /count is an integer, not a number/);
    assert.match(await set('numbers', '[1, 2]'), /successful/);
    assert.match(
      await ros2(['param', 'describe', '--no-daemon', NODE, 'gain', 'count']),
      /Max value: 10\.0[\s\S]*Max value: 10\n/,
    );
  });

  it('time is that of a /clock with best effort, as players and simulators publish it', async () => {
    const now = () => ros2(['service', 'call', `${NODE}/now`, TRIGGER]);
    assert.match(await now(), /message='0'/);
    const clock = ['topic', 'pub', '--times', '20', '-r', '5', '-w', '1', '--qos-reliability', 'best_effort'];
    await ros2([...clock, '/clock', CLOCK, '{clock: {sec: 5, nanosec: 3}}']);
    assert.match(await now(), /message='5000000003'/);
  });
});
