// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nodeMatches } from '../../../src/ros/arguments/nodeMatches.ts';
import { nodeOverrides } from '../../../src/ros/arguments/nodeOverrides.ts';
import { matchParameterFile, parseParameterFile } from '../../../src/ros/arguments/parameterFile.ts';
import { parseRosArguments } from '../../../src/ros/arguments/parseRosArguments.ts';

const ros = (...words: string[]) => parseRosArguments(['--ros-args', ...words]);
const valuesOf = (text: string, fullName: string) =>
  Object.fromEntries(matchParameterFile(parseParameterFile(text, 'params.yaml'), fullName));

describe('ROS arguments', () => {
  it('are those between --ros-args and --, several times over', () => {
    const found = parseRosArguments(['a', '--ros-args', '-p', 'x:=1', '--', '-p', 'b', '--ros-args', '-p', 'y:=2']);
    assert.deepEqual(found.rest, ['a', '-p', 'b']);
    assert.deepEqual(
      found.parameters.map(({ name, value }) => [name, value]),
      [
        ['x', 1],
        ['y', 2],
      ],
    );
  });

  it('may be absent', () => {
    assert.deepEqual(parseRosArguments([]), { parameterFiles: [], parameters: [], remaps: [], rest: [] });
  });

  for (const [text, value] of [
    ['1', 1],
    ['-2.5e-3', -0.0025],
    ['true', true],
    ['on', true],
    ['No', false],
    ["'on'", 'on'],
    ['"1"', '1'],
    ['base_link', 'base_link'],
    ['/camera/image:=raw', '/camera/image:=raw'],
    ['', ''],
    ["''", ''],
    ['[0.1, 0, 0, -1.57, 0, -1.57]', [0.1, 0, 0, -1.57, 0, -1.57]],
    ['[]', []],
    ['[a, b]', ['a', 'b']],
    ['0x10', 16],
    ['9007199254740993', 9007199254740992],
  ] as const) {
    it(`types the value ${text === '' ? '(nothing)' : text} as YAML does`, () => {
      assert.deepEqual(ros('-p', `x:=${text}`).parameters, [{ node: undefined, name: 'x', value }]);
    });
  }

  it('takes long and short forms and node prefixes', () => {
    const found = ros(
      '--param',
      'qpvo:scale:=2',
      '-p',
      '/front/*:a.b:=3',
      '--params-file',
      'a.yaml',
      '-r',
      'odom:=wheel',
    );
    assert.deepEqual(found.parameters, [
      { node: 'qpvo', name: 'scale', value: 2 },
      { node: '/front/*', name: 'a.b', value: 3 },
    ]);
    assert.deepEqual(found.parameterFiles, ['a.yaml']);
    assert.deepEqual(found.remaps, [{ node: undefined, from: 'odom', to: 'wheel' }]);
  });

  it('understands new names of the node, for all or for one', () => {
    const found = ros('-r', '__node:=vo', '--remap', '__ns:=/front', '-r', 'rostopic://a:=b', '-r', 'qpvo:image:=/cam');
    assert.deepEqual(
      found.remaps.slice(0, 2).map(({ from, to }) => [from, to]),
      [
        ['__node', 'vo'],
        ['__ns', '/front'],
      ],
    );
    assert.deepEqual(found.remaps[2], { node: undefined, from: 'rostopic://a', to: 'b' });
    assert.deepEqual(found.remaps[3], { node: 'qpvo', from: 'image', to: '/cam' });
  });

  it('lets logging and security options pass', () => {
    const found = ros('--log-level', 'debug', '--disable-rosout-logs', '-e', '/enclave', '--log-level', 'qpvo:=warn');
    assert.deepEqual(found, { parameterFiles: [], parameters: [], remaps: [], rest: [] });
  });

  for (const [words, code, message] of [
    [['--parms-file', 'a'], 'QPVO_USAGE', /unknown ROS argument "--parms-file"\. Did you mean --params-file\?/],
    [['-p'], 'QPVO_USAGE', /-p: expected a value/],
    [['-p', 'x=1'], 'QPVO_USAGE', /expected name:=value or node:name:=value, but received "x=1"/],
    [['-p', ':=1'], 'QPVO_USAGE', /received ":=1"/],
    [['-p', 'node::=1'], 'QPVO_USAGE', /received "node::=1"/],
    [['-p', ':x:=1'], 'QPVO_USAGE', /received ":x:=1"/],
    [['-p', 'x:=[1'], 'QPVO_PARAMETER', /-p x:=\[1, line 1: no YAML/],
    [['-p', 'x:={a: 1}'], 'QPVO_PARAMETER', /expected true or false, a number/],
    [['-p', 'x:=[1, a]'], 'QPVO_PARAMETER', /expected a list of values of one kind/],
    [['-r', 'a:='], 'QPVO_USAGE', /expected from:=to/],
    [['-r', '__ns:=front'], 'QPVO_USAGE', /expected __ns:=\/absolute\/namespace/],
    [['word'], 'QPVO_USAGE', /before --ros-args or after --/],
  ] as const) {
    it(`refuses ${words.join(' ')}`, () => {
      assert.throws(() => ros(...words), { code, message });
    });
  }
});

describe('sections of parameter files', () => {
  for (const [pattern, name, matches] of [
    ['/**', '/qpvo', true],
    ['/**', '/a/b/qpvo', true],
    ['**', '/a/qpvo', true],
    ['/*', '/qpvo', true],
    ['/*', '/front/qpvo', false],
    ['/*/qpvo', '/front/qpvo', true],
    ['/*/qpvo', '/qpvo', false],
    ['/**/qpvo', '/qpvo', true],
    ['/**/qpvo', '/a/b/qpvo', true],
    ['/front/**', '/front/qpvo', true],
    ['/front/**', '/back/qpvo', false],
    ['/front/qpvo', '/front/qpvo', true],
    ['front/qpvo', '/front/qpvo', true],
    ['front/qpvo', '/a/front/qpvo', false],
    ['qpvo', '/qpvo', true],
    ['qpvo', '/front/qpvo', true],
    ['/qpvo', '/front/qpvo', false],
    ['qpvo', '/front/qpvo2', false],
    ['front', '/front/qpvo', false],
  ] as const) {
    it(`"${pattern}" ${matches ? 'means' : 'does not mean'} ${name}`, () => {
      assert.equal(nodeMatches(pattern, name), matches);
    });
  }

  it('set what they name, by nested namespaces and nested names', () => {
    const text = `
front:
  qpvo:
    ros__parameters:
      scale: 2
      camera: { gain: 3, mode: { fast: yes } }
back:
  qpvo:
    ros__parameters: { scale: 3 }
`;
    assert.deepEqual(valuesOf(text, '/front/qpvo'), { scale: 2, 'camera.gain': 3, 'camera.mode.fast': true });
    assert.deepEqual(valuesOf(text, '/back/qpvo'), { scale: 3 });
    assert.deepEqual(valuesOf(text, '/qpvo'), {});
  });

  it('those of launch_ros for a namespaced node count', () => {
    assert.deepEqual(valuesOf('/front/qpvo:\n  ros__parameters:\n    precision: auto\n', '/front/qpvo'), {
      precision: 'auto',
    });
  });

  it('that name the node win over wildcards, wherever they stand; among equals the later wins', () => {
    const text = `
qpvo:
  ros__parameters: { a: 1, b: 1 }
/**:
  ros__parameters: { a: 2, c: 2, d: 2 }
/front/*:
  ros__parameters: { d: 4 }
/front/qpvo:
  ros__parameters: { b: 3 }
`;
    assert.deepEqual(valuesOf(text, '/front/qpvo'), { a: 1, b: 3, c: 2, d: 4 });
  });

  it('may be empty, and values may be shared', () => {
    assert.deepEqual(parseParameterFile('', 'a'), []);
    assert.deepEqual(parseParameterFile('# nothing\n', 'a'), []);
    assert.deepEqual(valuesOf('/**:\n  ros__parameters:\n', '/a'), {});
    assert.deepEqual(valuesOf('/**:\n  ros__parameters: { x: &s [1, 2], y: *s }\n', '/a'), { x: [1, 2], y: [1, 2] });
  });

  for (const [name, text, message] of [
    ['broken YAML', '/**:\n  ros__parameters:\n    a: [1\n', /params\.yaml, line \d: no YAML/],
    ['a key twice', '/**:\n  ros__parameters:\n    a: 1\n    a: 2\n', /params\.yaml, line 4: no YAML.*unique/],
    ['tabs', '/**:\n\tros__parameters: {}\n', /params\.yaml, line 2/],
    ['no node', 'ros__parameters:\n  a: 1\n', /line 1: ros__parameters without a node: expected a node name above it/],
    ['a flat file', 'scale: 2\n', /line 1: scale: expected a mapping: node names, then ros__parameters.*received 2/],
    ['a list', '- 1\n', /line 1: the file: expected a mapping/],
    ['parameters that are none', '/**:\n  ros__parameters: 3\n', /line 2: ros__parameters: expected a mapping/],
    ['a value without value', '/**:\n  ros__parameters:\n    a:\n', /parameter a: expected .*received nothing.*''/],
    ['a mixed list', '/**:\n  ros__parameters:\n\n    a: [1, x]\n', /line 4: parameter a: expected a list of values/],
    ['a list of lists', '/**:\n  ros__parameters:\n    a: [[1]]\n', /line 3: parameter a/],
  ] as const) {
    it(`refuses ${name}, with file and line`, () => {
      assert.throws(() => parseParameterFile(text, 'params.yaml'), { code: 'QPVO_PARAMETER', message });
    });
  }
});

describe('overrides of a node', () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'qpvo-ros-'));
  });
  after(() => rm(folder, { recursive: true }));

  it('files in their order, then the command line', async () => {
    const [one, two] = [join(folder, 'one.yaml'), join(folder, 'two.yaml')];
    await writeFile(one, '/front/qpvo:\n  ros__parameters: { a: 1, b: 1, c: 1 }\n');
    await writeFile(two, '/**:\n  ros__parameters: { b: 2, c: 2 }\nother:\n  ros__parameters: { a: 9 }\n');
    const found = ros('-p', 'c:=3', '--params-file', one, '--params-file', two, '-p', 'other:a:=4', '-p', 'qpvo:d:=5');
    assert.deepEqual(Object.fromEntries(nodeOverrides(found, '/front/qpvo')), { a: 1, b: 2, c: 3, d: 5 });
  });

  it('a file that is not there is an error with advice', () => {
    const found = ros('--params-file', join(folder, 'none.yaml'));
    assert.throws(() => nodeOverrides(found, '/qpvo'), {
      code: 'QPVO_PARAMETER',
      message: /cannot read the parameter file .*none\.yaml.*ENOENT.*--params-file/,
    });
  });
});
