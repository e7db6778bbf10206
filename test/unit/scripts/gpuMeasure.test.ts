// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const SCRIPT = join(ROOT, 'scripts/gpu/measure.sh');

// The script for machines with a GPU and without Node, with doubles of what it starts.
describe('scripts/gpu/measure.sh', function () {
  this.timeout(60_000);
  let folder: string;
  const at = (name: string) => join(folder, name);
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'qpvo-measure-'));
    for (const name of ['bench', 'python', 'sanitizer', 'nvidia-smi']) double(name, 'echo "$(basename "$0") $*"');
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const double = (name: string, body: string) =>
    writeFileSync(at(name), `#!/usr/bin/env bash\n${body}\n`, { mode: 0o755 });

  function measure(...args: string[]) {
    return measureWith(at('bench'), ...args);
  }
  /** Without a program the script builds one. */
  function measureWith(program: string, ...args: string[]) {
    const env = {
      ...process.env,
      PATH: `${folder}:${process.env.PATH}`,
      QPVO_GPU_PROGRAM: program,
      QPVO_PYTHON: at('python'),
      QPVO_SANITIZER: at('sanitizer'),
      QPVO_COMMIT: 'abc',
    };
    const { status, stdout, stderr } = spawnSync(SCRIPT, args, { encoding: 'utf8', env });
    return { status, stdout, stderr };
  }
  const output = (step: string) => readFileSync(at(`out/${step}.txt`), 'utf8').trim();

  it('runs everything and leaves the output of each step in the folder', () => {
    const { status, stdout, stderr } = measure(at('out'));
    assert.equal(status, 0, `${stdout}\n${stderr}`);
    assert.equal(
      output('frame-int8-fast'),
      `bench frame --network base --size 752x480 --precision int8 --windows fast --commit abc --json ${at('out/frame-int8-fast.json')}`,
    );
    assert.match(
      output('pytorch-default'),
      /^python -m qpvo_train time-frame --config training\/configs\/base\.yaml --windows default .*--device cuda/,
    );
    assert.match(output('golden-small'), /^bench check --only golden --golden models\/small$/);
    assert.match(output('soak'), /^bench soak /);
    for (const tool of ['memcheck', 'racecheck', 'synccheck']) {
      assert.equal(
        output(`sanitizer-${tool}`),
        `sanitizer --tool ${tool} --error-exitcode 1 ${at('bench')} check --small`,
      );
    }
    assert.match(stdout, /python -m qpvo_train\.gpu_targets/);
    const steps = readFileSync(at('out/steps.txt'), 'utf8').trim().split('\n');
    assert.equal(steps.filter((line) => line.startsWith('ok ')).length, steps.length);
    assert.equal(readdirSync(at('out')).filter((name) => name.endsWith('.txt')).length, steps.length + 1);
  });

  it('goes on after a step that fails, and says so at the end', () => {
    double('bench', '[ "$1" != check ] || { echo "row x differs"; exit 1; }');
    const { status, stdout } = measure(at('out'));
    assert.equal(status, 1);
    assert.match(stdout, /FAILED {3}check with exit code 1: row x differs/);
    assert.match(stdout, /ok {7}frame-fp16-default/);
    assert.match(stdout.trim().split('\n').at(-1)!, /^not ok: check golden-small/);
  });

  for (const [failing, missing] of [
    ['configure', 'qpvo: no nvcc was found'],
    ['build', 'error: no such type'],
  ] as const) {
    it(`goes straight to the judgement when the program cannot be built (${failing}), and shows why`, () => {
      double(
        'cmake',
        `[ "$1" = --build ] || [ ${failing} = configure ] || exit 0\necho "${missing}"\necho more\nexit 1`,
      );
      const { status, stdout } = measureWith('', at('out'));
      assert.equal(status, 1);
      assert.match(stdout, new RegExp(`^${missing}\nmore$`, 'm'));
      const steps = readFileSync(at('out/steps.txt'), 'utf8').trim().split('\n');
      assert.deepEqual(
        steps.map((line) => line.split(/ +/).slice(0, line.startsWith('NOT RUN') ? 3 : 2)),
        [
          ['ok', 'device'],
          ...(failing === 'build' ? [['ok', 'configure']] : []),
          ['FAILED', failing],
          ['NOT', 'RUN', 'all'],
          ['ok', 'judgement'],
          ['not', 'ok:'],
        ],
      );
    });
  }

  it('says so when the program that it was given is not there', () => {
    const { status, stdout } = measureWith(at('absent'), at('out'));
    assert.equal(status, 1);
    assert.match(stdout, /NOT RUN {2}all that takes qpvo_gpu_bench: there is none\nok {7}judgement/);
  });

  it('runs only the judgement when no time is left', () => {
    const { status, stdout } = measure(at('out'), '0');
    assert.equal(status, 1);
    assert.match(stdout, /NOT RUN {2}time: no time left/);
    assert.match(stdout, /ok {7}judgement/);
  });

  it('works without the sanitizers', () => {
    rmSync(at('sanitizer'));
    const { status, stdout } = measure(at('out'));
    assert.equal(status, 0, stdout);
    assert.match(stdout, /NOT RUN {2}sanitizers: no .*sanitizer here/);
  });

  it('without a folder it prints how it is called', () => {
    const { status, stderr } = measure();
    assert.equal(status, 2);
    assert.match(stderr, /scripts\/gpu\/measure\.sh <folder> \[minutes\]/);
  });
});
