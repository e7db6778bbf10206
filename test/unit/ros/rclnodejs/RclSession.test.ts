// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { loadRclnodejs, requireCompiledPart, requireSourcedRos } from '../../../../src/ros/rclnodejs/loadRclnodejs.ts';
import { RclSession } from '../../../../src/ros/rclnodejs/RclSession.ts';
import { withoutParameters } from '../../../../src/ros/rclnodejs/rosArguments.ts';
import { temporaryFolder } from '../../../fixtures/temporaryFolder.ts';
import { fakeRclnodejs } from './FakeRclnodejs.ts';

describe('session with rclnodejs', () => {
  it('gives rcl everything but the parameters', async () => {
    const args = [
      'a',
      '-p',
      '--ros-args',
      '-r',
      'image:=/x',
      '-p',
      'a:=1',
      '--params-file',
      'f',
      '--log-level',
      'info',
    ];
    const kept = ['a', '-p', '--ros-args', '-r', 'image:=/x', '--log-level', 'info'];
    assert.deepEqual(withoutParameters([...args, '--', '-p', 'mine']), [...kept, '--', '-p', 'mine']);
    assert.deepEqual(withoutParameters(['--ros-args', '-p']), ['--ros-args']);
    const rcl = fakeRclnodejs();
    await RclSession.open(['--ros-args', '--param', 'a:=1'], async () => rcl);
    assert.deepEqual(rcl.calls, ['init --ros-args']);
  });

  it('makes nodes with the overrides of their full name', async () => {
    const rcl = fakeRclnodejs();
    const session = await RclSession.open([], async () => rcl);
    const node = session.lifecycleNode('qpvo', (name) => new Map([['model', name]]));
    assert.deepEqual([...node.overrides], [['model', '/qpvo']]);
    const plain = session.plainNode('player', 'front');
    assert.equal(plain.fullName, '/front/player');
    plain.spin();
    assert.equal(rcl.nodes[1]!.spinning, true);
    session.close();
    assert.equal(rcl.calls.at(-1), 'shutdown');
  });

  it('what ROS refuses is an error with advice', async () => {
    await assert.rejects(
      RclSession.open(['broken'], async () => fakeRclnodejs()),
      {
        code: 'QPVO_ROS',
        message: /ROS 2 cannot be started: received rcl_init failed\. Check the arguments/,
      },
    );
  });
});

describe('loading rclnodejs', () => {
  const folder = temporaryFolder();

  /** An installed ROS with its library. */
  async function sourced(): Promise<Record<string, string>> {
    await mkdir(folder('ros', 'lib'), { recursive: true });
    await writeFile(folder('ros', 'lib', 'librcl.so'), '');
    return {
      ROS_DISTRO: 'jazzy',
      AMENT_PREFIX_PATH: folder('ros'),
      LD_LIBRARY_PATH: `:/nowhere:${folder('ros', 'lib')}`,
    };
  }

  /** A package that notes what is asked of it. */
  async function packageFolder(): Promise<string> {
    await mkdir(folder('rclnodejs', 'build', 'Release'), { recursive: true });
    await mkdir(folder('rclnodejs', 'dist'));
    const manifest = { name: 'rclnodejs', type: 'module', exports: { '.': { import: './dist/index.js' } } };
    await writeFile(folder('rclnodejs', 'package.json'), JSON.stringify(manifest));
    const module = 'const calls = []; export default { calls, removeSignalHandlers: () => calls.push("removed") };';
    await writeFile(folder('rclnodejs', 'dist', 'index.js'), module);
    return folder('rclnodejs');
  }

  it('needs ROS to be sourced wholly', async () => {
    const env = await sourced();
    requireSourcedRos(env);
    assert.throws(() => requireSourcedRos({}), {
      code: 'QPVO_ROS',
      message: /not sourced.*no ROS_DISTRO and no AMENT_PREFIX_PATH.*source \/opt\/ros\/jazzy\/setup\.bash/,
    });
    assert.throws(() => requireSourcedRos({ ...env, LD_LIBRARY_PATH: '' }), { message: /no librcl\.so/ });
    requireSourcedRos({ ...env, LD_LIBRARY_PATH: '', CONDA_PREFIX: folder('ros') });
  });

  it('needs a compiled part: one that comes with the package for this system, or one that was built', async () => {
    await mkdir(folder('a', 'prebuilds', `${process.platform}-${process.arch}`), { recursive: true });
    const ready = `jazzy-noble-${process.arch}-node-rclnodejs.node`;
    await writeFile(folder('a', 'prebuilds', `${process.platform}-${process.arch}`, ready), '');
    const env = { ROS_DISTRO: 'jazzy' };
    requireCompiledPart(folder('a'), env, 'NAME="Ubuntu"\nVERSION_CODENAME=noble\n');
    assert.throws(() => requireCompiledPart(folder('a'), env, 'VERSION_CODENAME=jammy\n'), {
      code: 'QPVO_ROS',
      message: /not compiled for ROS 2 jazzy on jammy.*npm rebuild rclnodejs/,
    });
    await mkdir(folder('b', 'build', 'Release'), { recursive: true });
    assert.throws(() => requireCompiledPart(folder('b'), env, ''), { message: /on unknown/ });
    await writeFile(folder('b', 'build', 'Release', 'rclnodejs.node'), '');
    requireCompiledPart(folder('b'), env, '');
  });

  it('takes the package from the folder that QPVO_RCLNODEJS names, and its signal handler away', async () => {
    const QPVO_RCLNODEJS = await packageFolder();
    const env = { ...(await sourced()), QPVO_RCLNODEJS };
    await assert.rejects(loadRclnodejs(env), { code: 'QPVO_ROS', message: /is not compiled/ });
    await writeFile(folder('rclnodejs', 'build', 'Release', 'rclnodejs.node'), '');
    const loaded = (await loadRclnodejs(env)) as unknown as { calls: string[] };
    assert.deepEqual(loaded.calls, ['removed']);
    await assert.rejects(loadRclnodejs({ ...env, QPVO_RCLNODEJS: folder('nothing') }), {
      code: 'QPVO_ROS',
      message: /rclnodejs is not there.*QPVO_RCLNODEJS names.*npm install/,
    });
  });

  it('a package that fails while it loads is an error with advice', async () => {
    const QPVO_RCLNODEJS = await packageFolder();
    await writeFile(folder('rclnodejs', 'build', 'Release', 'rclnodejs.node'), '');
    await writeFile(folder('rclnodejs', 'dist', 'index.js'), 'throw new Error("librcl.so: cannot open");');
    await assert.rejects(loadRclnodejs({ ...(await sourced()), QPVO_RCLNODEJS }), {
      code: 'QPVO_ROS',
      message: /cannot load rclnodejs.*librcl\.so: cannot open.*npm rebuild/,
    });
  });
});
