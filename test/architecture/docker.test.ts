// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './projectFiles.ts';

const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');
const files = readdirSync(join(ROOT, 'docker')).map((name) => `docker/${name}`);
const commands = [...read('docs/recipes/jetson.md').matchAll(/^ {4}docker (build|run) (.*)$/gm)];

/** The last value of an instruction of a Dockerfile. */
const instruction = (file: string, name: string) =>
  [...read(file).matchAll(new RegExp(`^${name} (.*)$`, 'gm'))].at(-1)?.[1];

describe('architecture: Docker', () => {
  it('the recipe builds every Dockerfile, and runs every image that it builds', () => {
    const built = commands.flatMap(([, verb, rest]) => (verb === 'build' ? [/-f (\S+) -t (\S+) /.exec(rest!)!] : []));
    assert.deepEqual(built.map((match) => match[1]!).sort(), files);
    for (const [, , image] of built)
      assert.ok(commands.some(([, verb, rest]) => verb === 'run' && rest!.includes(` ${image} `)));
  });

  for (const file of files) {
    it(`${file}: results and engines are written to what the recipe mounts`, () => {
      const folders = [instruction(file, 'WORKDIR')!, /QPVO_ENGINES=(\S+)/.exec(read(file))![1]!];
      const runs = commands.filter(([, verb]) => verb === 'run');
      assert.ok(runs.length > 0);
      for (const [, , rest] of runs) {
        const mounted = [...rest!.matchAll(/-v "?[^ ":]+:([^ "]+)/g)].map((match) => match[1]!);
        assert.deepEqual(mounted.sort(), folders.sort());
      }
    });
  }

  it('what the build reads is sent to it', () => {
    const { files: packed } = JSON.parse(read('package.json')) as { files: string[] };
    const needed = [...packed, 'package.json', 'package-lock.json', '.npmrc'].filter((name) =>
      existsSync(join(ROOT, name)),
    );
    const left = read('.dockerignore').split('\n');
    assert.deepEqual(
      needed.filter((name) => left.includes(name)),
      ['dist'],
    );
  });
});
