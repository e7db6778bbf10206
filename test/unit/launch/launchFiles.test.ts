// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { NODE_PARAMETERS } from '../../../src/config/nodeParameters.ts';
import type { ParameterSpec } from '../../../src/config/parameterSpec.ts';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');
const launchFiles = readdirSync(join(ROOT, 'launch')).filter((name) => name.endsWith('.launch.py'));
const specs: Readonly<Record<string, ParameterSpec>> = NODE_PARAMETERS;

/** Keys, and the first word of their values, of a Python dictionary that is written over several lines. */
function dictionary(path: string, name: string): Map<string, string> {
  const body = new RegExp(`^${name} = \\{\\n([^}]*)\\n\\}`, 'm').exec(read(path))?.[1];
  assert.ok(body !== undefined, `${path} has the dictionary ${name}`);
  return new Map([...body.matchAll(/^ {4}'(\w+)': \(?([^,]+),/gm)].map(([, key, first]) => [key!, first!]));
}

const parameters = dictionary('launch/odometry.launch.py', 'PARAMETERS');
const settings = dictionary('launch/odometry.launch.py', 'SETTINGS');
const topics = dictionary('launch/odometry.launch.py', 'TOPICS');

/** How a launch argument must be read for a parameter of this kind. */
const READERS: Readonly<Record<ParameterSpec['kind'], string>> = {
  integer: 'int',
  number: 'float',
  flag: 'flag',
  choice: 'str',
  text: 'str',
  numbers: 'numbers',
};

/** Names under which the sources of the node subscribe, advertise and serve. */
const sources = readdirSync(join(ROOT, 'src/ros'))
  .filter((name) => name.endsWith('.ts'))
  .map((name) => read(`src/ros/${name}`))
  .join('\n');

describe('launch files', () => {
  for (const name of launchFiles) {
    it(`${name} is Python`, function () {
      const check = 'import ast, sys; ast.parse(open(sys.argv[1], encoding="utf-8").read())';
      const { error, status, stderr } = spawnSync('python3', ['-c', check, join(ROOT, 'launch', name)], {
        encoding: 'utf8',
      });
      if (error) this.skip();
      assert.equal(status, 0, stderr);
    });
  }

  it('give parameters that the node has, with their types', () => {
    assert.ok(parameters.size >= 10);
    for (const [name, reader] of parameters) {
      assert.ok(specs[name] !== undefined, `${name} is a parameter of the node`);
      assert.equal(reader, READERS[specs[name]!.kind], `how ${name} is read`);
    }
  });

  it('have arguments that do not hide each other', () => {
    assert.deepEqual(
      [...settings.keys()].filter((name) => parameters.has(name)),
      [],
    );
    for (const name of topics.keys()) assert.ok(settings.has(name), `${name} is an argument`);
  });

  it('rename topics that the node has', () => {
    const text = read('launch/odometry.launch.py');
    for (const name of topics.keys()) {
      const topic = new RegExp(`'${name}': '(~?/?\\w+)',\\n`).exec(text)?.[1];
      assert.ok(sources.includes(`'${topic}'`), `the node uses ${topic}`);
    }
  });

  it('pass arguments on that the included file has', () => {
    for (const name of launchFiles) {
      for (const [, given] of read(`launch/${name}`).matchAll(/launch_arguments=\{'(\w+)'/g)) {
        assert.ok(parameters.has(given!) || settings.has(given!), `${name}: ${given}`);
      }
      for (const [, asked] of read(`launch/${name}`).matchAll(/\bvalue\((?:context, )?'(\w+)'\)/g)) {
        const own = read(`launch/${name}`);
        const isKnown = parameters.has(asked!) || settings.has(asked!) || own.includes(`'${asked}': (`);
        assert.ok(isKnown || own.includes(`'${asked}',\n`), `${name} declares ${asked}`);
      }
    }
  });

  it('start programs and read files that the package installs', () => {
    const cmake = read('CMakeLists.txt');
    for (const name of launchFiles) {
      const text = read(`launch/${name}`);
      for (const [, executable] of text.matchAll(/package='qpvo',\s*executable='(\w+)'/g)) {
        assert.equal(executable, 'qpvo_node');
      }
      for (const path of text.matchAll(/'config'((?: \/ '[\w.]+')+)/g)) {
        const file = `config${path[1]!.replaceAll(" / '", '/').replaceAll("'", '')}`;
        assert.ok(existsSync(join(ROOT, file)), `${name}: ${file}`);
      }
    }
    assert.match(cmake, /install\(PROGRAMS bin\/qpvo_node DESTINATION lib\/\$\{PROJECT_NAME\}\)/);
    assert.match(cmake, /install\(PROGRAMS bin\/qpvo_node DESTINATION lib\/\$\{PROJECT_NAME\} RENAME qpvo\)/);
  });
});
