// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { writeAslCamera } from '../fixtures/aslFiles.ts';
import { temporaryFolder } from '../fixtures/temporaryFolder.ts';
import { runCli } from './runCli.ts';

/** As in a shell where no ROS is sourced. */
const NO_ROS = { ROS_DISTRO: '', AMENT_PREFIX_PATH: '', LD_LIBRARY_PATH: '' };

describe('qpvo publish', function () {
  this.timeout(30_000);
  const folder = temporaryFolder();

  const wrong: [string, string[], RegExp][] = [
    ['no source', [], /expected <source>/],
    ['two kinds of time', ['x', '--clock', '--now'], /--clock and --now: expected one of them/],
    ['a QoS that is none', ['x', '--qos', 'best'], /--qos: expected SENSOR_DATA, DEFAULT/],
    ['no speed', ['x', '--rate', '0'], /--rate: expected a number of at least 0\.001/],
    ['an end before the start', ['x', '--start', '5', '--end', '4'], /--end: expected more than --start 5/],
    ['degrees', ['x', '--base-to-camera', '0 0 0 -90 0 -90'], /no transform.*radians/],
    ['words for numbers', ['x', '--base-to-camera', 'a b c d e f'], /no transform/],
    ['a misspelt option', ['x', '--lop'], /Did you mean --loop\?/],
  ];
  for (const [name, args, message] of wrong) {
    it(`refuses ${name} with exit code 2`, async () => {
      const { code, stderr } = await runCli(['publish', ...args], { env: NO_ROS });
      assert.match(stderr, message);
      assert.equal(code, 2);
    });
  }

  it('says that it needs ROS, after it has looked at the recording', async () => {
    const missing = await runCli(['publish', folder('nothing')], { env: NO_ROS });
    assert.match(missing.stderr, /no such file or folder.*QPVO_NOT_FOUND/);
    await writeAslCamera(folder(), 2);
    const { code, stderr } = await runCli(['publish', folder()], { env: NO_ROS });
    assert.match(stderr, /ROS 2 is not sourced in this shell.*setup\.bash.*\[QPVO_ROS\]/);
    assert.equal(code, 1);
  });

  it('is among the commands', async () => {
    const { stdout } = await runCli(['publish', '--help']);
    assert.match(stdout, /Usage: qpvo publish <source>/);
    assert.match((await runCli(['--help'])).stdout, /publish {2}play a recording as ROS 2 topics/);
  });
});
