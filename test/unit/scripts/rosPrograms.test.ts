// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const ECHO = 'console.log(JSON.stringify([import.meta.url, process.pid, ...process.argv.slice(2)]));';

describe('bin/qpvo_node', () => {
  let folder = '';
  const file = (path: string, text: string) => {
    mkdirSync(join(folder, path, '..'), { recursive: true });
    writeFileSync(join(folder, path), text);
  };
  const wrapper = (path: string) => {
    mkdirSync(join(folder, path, '..'), { recursive: true });
    copyFileSync(join(ROOT, 'bin/qpvo_node'), join(folder, path));
    chmodSync(join(folder, path), 0o755);
  };
  const start = (path: string, args: string[] = [], env: Record<string, string> = {}) => {
    const child = spawnSync(join(folder, path), args, {
      encoding: 'utf8',
      env: { ...process.env, QPVO_NODE: process.execPath, ...env },
    });
    return {
      ...child,
      echoed: child.status === 0 ? (JSON.parse(child.stdout) as [string, number, ...string[]]) : undefined,
    };
  };
  const fakeNode = (version: string) => {
    file('node', `#!/bin/sh\necho ${version}\n`);
    chmodSync(join(folder, 'node'), 0o755);
    return { QPVO_NODE: join(folder, 'node') };
  };

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'qpvo bin '));
    file('package.json', '{"type":"module"}');
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('starts the node of its own package, with the arguments as they are', () => {
    wrapper('bin/qpvo_node');
    file('dist/ros/main.js', ECHO);
    const args = ['--ros-args', '-p', 'model:=a b', '-r', '__ns:=/front', '*'];
    const { echoed, pid } = start('bin/qpvo_node', args);
    assert.match(echoed?.[0] ?? '', /\/dist\/ros\/main\.js$/);
    assert.equal(echoed?.[1], pid, 'the shell has become Node, so that signals reach it');
    assert.deepEqual(echoed?.slice(2), args);
  });

  it('starts the installed node, and the command under the name qpvo', () => {
    for (const name of ['qpvo_node', 'qpvo']) wrapper(`install/lib/qpvo/${name}`);
    file('install/share/qpvo/dist/ros/main.js', ECHO);
    file('install/share/qpvo/dist/cli/main.js', ECHO);
    assert.match(start('install/lib/qpvo/qpvo_node').echoed?.[0] ?? '', /share\/qpvo\/dist\/ros\/main\.js$/);
    assert.match(start('install/lib/qpvo/qpvo').echoed?.[0] ?? '', /share\/qpvo\/dist\/cli\/main\.js$/);
  });

  it('starts the program in the source folder after an installation by links', () => {
    wrapper('install/lib/qpvo/qpvo_node');
    file('install/share/qpvo/source', `${join(folder, 'my source')}\n`);
    file('my source/dist/ros/main.js', ECHO);
    assert.match(start('install/lib/qpvo/qpvo_node').echoed?.[0] ?? '', /my%20source\/dist\/ros\/main\.js$/);
  });

  it('says what to do when Node is missing', () => {
    wrapper('bin/qpvo_node');
    const { status, stderr } = start('bin/qpvo_node', [], { QPVO_NODE: join(folder, 'nowhere') });
    assert.equal(status, 127);
    assert.match(stderr, /^qpvo: Node was not found: expected '.*nowhere' .*QPVO_NODE/);
  });

  for (const version of ['v8.10.0', 'v12.22.9', 'v18.20.4', 'v20.9.0', 'v20.19.5']) {
    it(`refuses Node ${version}`, () => {
      wrapper('bin/qpvo_node');
      file('dist/ros/main.js', ECHO);
      const { status, stderr } = start('bin/qpvo_node', [], fakeNode(version));
      assert.equal(status, 1);
      assert.match(stderr, new RegExp(`expected 20\\.20 or newer, but '.*' is ${version.replaceAll('.', '\\.')}`));
    });
  }

  for (const version of ['v20.20.0', 'v20.101.0', 'v22.1.0', 'v100.0.0']) {
    it(`takes Node ${version}, and says when the program is not built`, () => {
      wrapper('bin/qpvo_node');
      const { status, stderr } = start('bin/qpvo_node', [], fakeNode(version));
      assert.equal(status, 1);
      assert.match(stderr, /^qpvo: the program is not built: expected .*dist\/ros\/main\.js, .*`npm run build`/);
    });
  }
});
