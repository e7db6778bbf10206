// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));

interface Lock {
  packages: Record<string, { dev?: boolean; optional?: boolean; devOptional?: boolean }>;
}
const { productionPackages, isForeign } = (await import(join(ROOT, 'scripts/ros/copyPackages.mjs'))) as {
  productionPackages: (lock: Lock) => string[];
  isForeign: (path: string, machine: { platform: string; arch: string }) => boolean;
};
const { hasBinary } = (await import(join(ROOT, 'scripts/setup/rclnodejs.mjs'))) as {
  hasBinary: (folder: string, distribution: string, osRelease: string) => boolean;
};

describe('the installation of the ROS package', () => {
  it('takes the npm packages that the program needs, each once', () => {
    const packages = {
      '': {},
      'node_modules/yaml': {},
      'node_modules/@mcap/core': {},
      'node_modules/@mcap/core/node_modules/tslib': {},
      'node_modules/mocha': { dev: true },
      'node_modules/rclnodejs': { optional: true },
      'node_modules/both': { devOptional: true },
    };
    assert.deepEqual(productionPackages({ packages }), [
      'node_modules/yaml',
      'node_modules/@mcap/core',
      'node_modules/rclnodejs',
      'node_modules/both',
    ]);
  });

  it('takes from the real list all direct dependencies and none for development', () => {
    const read = (name: string) => JSON.parse(readFileSync(join(ROOT, name), 'utf8'));
    const taken = new Set(productionPackages(read('package-lock.json') as Lock));
    const { dependencies, optionalDependencies, devDependencies } = read('package.json') as Record<string, object>;
    for (const name of Object.keys({ ...dependencies, ...optionalDependencies })) {
      assert.ok(taken.has(`node_modules/${name}`), name);
    }
    for (const name of ['mocha', 'typescript', 'tsx']) {
      assert.ok(name in devDependencies!);
      assert.ok(!taken.has(`node_modules/${name}`), name);
    }
  });

  it('leaves out binaries of other systems only', () => {
    const orin = { platform: 'linux', arch: 'arm64' };
    const bin = '/p/node_modules/onnxruntime-node/bin';
    for (const path of [bin, `${bin}/napi-v6`, `${bin}/napi-v6/linux`, `${bin}/napi-v6/linux/arm64/x.so`]) {
      assert.equal(isForeign(path, orin), false, path);
    }
    for (const path of [`${bin}/napi-v6/win32`, `${bin}/napi-v6/linux/x64/x.so`, `${bin}/napi-v6/darwin/arm64`]) {
      assert.equal(isForeign(path, orin), true, path);
    }
    assert.equal(isForeign('/p/node_modules/sharp/bin/linux/x64', orin), false);
  });

  it('explains its use when it is called wrongly', () => {
    for (const args of [[], ['copy'], ['move', '/x']]) {
      const script = join(ROOT, 'scripts/ros/installProgram.mjs');
      const { status, stderr } = spawnSync(process.execPath, [script, ...args], { encoding: 'utf8' });
      assert.equal(status, 2);
      assert.match(stderr, /^Usage: /);
    }
  });
});

describe('the binary of rclnodejs', () => {
  let folder = '';
  const release = 'NAME="Ubuntu"\nVERSION_CODENAME=noble\n';
  const put = (path: string) => {
    mkdirSync(join(folder, path, '..'), { recursive: true });
    writeFileSync(join(folder, path), '');
  };
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'qpvo-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('is the one for this distribution, Ubuntu, and processor', () => {
    const { platform, arch } = process;
    assert.equal(hasBinary(folder, 'jazzy', release), false);
    put(`prebuilds/${platform}-${arch}/jazzy-noble-${arch}-electron-rclnodejs.node`);
    put(`prebuilds/${platform}-${arch}/humble-jammy-${arch}-node-rclnodejs.node`);
    assert.equal(hasBinary(folder, 'jazzy', release), false);
    put(`prebuilds/${platform}-${arch}/jazzy-noble-${arch}-node-rclnodejs.node`);
    assert.equal(hasBinary(folder, 'jazzy', release), true);
    assert.equal(hasBinary(folder, 'humble', release), false, 'Humble on the Ubuntu of Jazzy');
    assert.equal(hasBinary(folder, 'jazzy', 'VERSION_CODENAME=bookworm\n'), false);
  });

  it('is one that was compiled here', () => {
    put('build/Release/rclnodejs.node');
    assert.equal(hasBinary(folder, 'rolling', ''), true);
  });
});
