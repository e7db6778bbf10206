// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runCli } from './runCli.ts';
import { writeTextureSequence } from './textureSequence.ts';

describe('command line: usage', function () {
  this.timeout(60_000);
  let folder: string;
  let sequence: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'qpvo-cli-'));
    sequence = join(folder, 'wall');
    await writeTextureSequence(sequence, 3);
    await writeTextureSequence(join(folder, 'uncalibrated'), 2);
    await rm(join(folder, 'uncalibrated', 'camera.yaml'));
    await writeFile(join(folder, 'notes.txt'), 'no recording\n');
  });
  after(() => rm(folder, { recursive: true }));

  it('--help lists the commands, --version the version', async () => {
    const help = await runCli(['--help']);
    assert.equal(help.code, 0);
    for (const name of ['run', 'eval', 'compare', 'info', 'doctor', 'bench', 'import']) {
      assert.match(help.stdout, new RegExp(`^  ${name} `, 'm'));
    }
    const version = await runCli(['--version']);
    assert.equal(version.code, 0);
    assert.match(version.stdout, /^\d+\.\d+\.\d+\n$/);
  });

  for (const name of ['run', 'eval', 'compare', 'info', 'doctor', 'bench', 'import']) {
    it(`${name} --help explains itself with examples`, async () => {
      const { code, stdout, stderr } = await runCli([name, '--help']);
      assert.equal(code, 0, stderr);
      assert.match(stdout, new RegExp(`^Usage: qpvo ${name}`));
      assert.match(stdout, /Examples:\n {2}qpvo /);
    });
  }

  /** Arguments, exit code, what stderr says. `%` stands for the folder of the test. */
  const refusals: readonly (readonly [string, string[], number, RegExp])[] = [
    ['no command', [], 2, /Usage: qpvo <command>/],
    ['an unknown command', ['rnu'], 2, /unknown command "rnu".*Did you mean run\?.*QPVO_USAGE/],
    ['no source', ['run'], 2, /^qpvo: arguments of run: expected <source>, but received none/],
    ['an unknown option', ['run', '%/wall', '--strid', '2'], 2, /Did you mean --stride\?/],
    ['a bad number', ['run', '%/wall', '--stride', 'two'], 2, /--stride: expected a whole number of at least 1/],
    [
      'an end before the start',
      ['run', '%/wall', '--start', '5', '--end', '3'],
      2,
      /--end: expected more than --start 5/,
    ],
    ['an unknown parameter', ['run', '%/wall', '--set', 'patchPerFrame=5'], 2, /Did you mean patchesPerFrame\?/],
    ['a parameter out of range', ['run', '%/wall', '--set', 'networkScale=7'], 2, /a number from 0.25 to 1.*"7"/],
    [
      'an accelerator for networks of the CPU',
      ['run', '%/wall', '--profile', 'cpu_int8', '--set', 'dlaCore=0', '--out', '%/out'],
      2,
      /parameter dlaCore: expected -1, or a profile .* received 0, with encoders in int8 by native.*QPVO_PARAMETER/,
    ],
    ['a bad seed', ['run', '%/wall', '--seed', 'x'], 2, /parameter seed from --seed/],
    ['an unknown profile', ['run', '%/wall', '--profile', 'gpu'], 2, /unknown profile "gpu": expected auto, cpu_fp32/],
    [
      'a profile that cannot run here',
      ['run', '%/wall', '--profile', 'orin_int8'],
      1,
      /orin_int8 cannot run here: it needs an NVIDIA GPU.*can run here: cpu_fp32, .*QPVO_PROFILE_UNAVAILABLE/,
    ],
    ['an unknown model', ['run', '%/wall', '--model', 'huge', '--out', '%/out'], 2, /unknown model "huge".*QPVO_USAGE/],
    ['a missing profile file', ['run', '%/wall', '--profile', '%/none.yaml'], 1, /none\.yaml.*QPVO_PROFILE/],
    [
      'a folder without a model',
      ['run', '%/wall', '--model', '%/wall', '--out', '%/out'],
      1,
      /is no model.*QPVO_MODEL/,
    ],
    [
      'a negative number',
      ['run', '%/wall', '--end', '-1'],
      2,
      /^qpvo: option --end: expected a number of at least 0, but received "-1"\. \[QPVO_USAGE\]\n$/,
    ],
    [
      'an option without its value',
      ['run', '%/wall', '--end', '--start', '3'],
      2,
      /^qpvo: option '--end' argument missing\. See qpvo run --help\. \[QPVO_USAGE\]\n$/,
    ],
    ['a missing source', ['run', '%/nothing'], 1, /nothing.*QPVO_NOT_FOUND/],
    ['a file that is no recording', ['run', '%/notes.txt'], 1, /notes\.txt.*QPVO_UNKNOWN_SOURCE/],
    ['a source without calibration', ['run', '%/uncalibrated'], 1, /no camera calibration.*--camera.*QPVO_CALIBRATION/],
    ['a missing calibration file', ['run', '%/wall', '--camera', '%/none.yaml'], 1, /none\.yaml.*QPVO_NOT_FOUND/],
    [
      'an output folder under a file',
      ['run', '%/wall', '--out', '%/notes.txt/out'],
      1,
      /output folder.*--out.*QPVO_OUTPUT/,
    ],
    ['missing weights', ['import', '%/none.pt', '--out', '%/model'], 1, /none\.pt.*QPVO_NOT_FOUND/],
    [
      'missing golden tensors',
      ['import', '%/a.pt', '--golden', '%/none.safetensors'],
      1,
      /--golden .*none\.safetensors.*QPVO_NOT_FOUND/,
    ],
    [
      'golden tensors that are none',
      ['import', '%/a.pt', '--golden', '%/notes.txt'],
      1,
      /notes\.txt.*safetensors.*QPVO_MODEL/,
    ],
    [
      'provenance that is no JSON',
      ['import', '%/a.pt', '--provenance', '%/notes.txt'],
      2,
      /--provenance .*notes\.txt.*expected JSON.*QPVO_USAGE/,
    ],
    ['a missing estimate', ['eval', '%/none.tum', '%/wall'], 1, /none\.tum.*QPVO_NOT_FOUND/],
    ['an unknown alignment', ['eval', 'a', 'b', '--alignment', 'affine'], 2, /expected sim3.*received "affine"/],
    [
      'a reference without poses',
      ['eval', '%/estimate.tum', '%/wall'],
      1,
      /no ground truth in .*wall.*QPVO_EVALUATION/,
    ],
  ];
  for (const [name, args, code, message] of refusals) {
    it(`refuses ${name} with exit code ${code}`, async () => {
      await writeFile(join(folder, 'estimate.tum'), '1 0 0 0 0 0 0 1\n2 1 0 0 0 0 0 1\n3 1 1 0 0 0 0 1\n');
      const result = await runCli(args.map((text) => text.replace('%', folder)));
      assert.equal(result.code, code, result.stderr);
      assert.match(result.stderr, message);
      assert.doesNotMatch(result.stderr, /^\s+at .*:\d+:\d+/m, 'no stack trace');
      assert.equal(result.stdout, '');
    });
  }

  it('info tells what is in a recording, as text and as JSON', async () => {
    const text = await runCli(['info', sequence]);
    assert.equal(text.code, 0, text.stderr);
    assert.match(text.stdout, /^images +3$/m);
    assert.match(text.stdout, /^size +160x112 mono8$/m);
    assert.match(text.stdout, /^rate +20\.00 images\/s$/m);
    assert.match(text.stdout, /^calibration +fx 120 fy 120 cx 80 cy 56, no distortion/m);
    assert.match(text.stdout, /^ground truth +none$/m);
    const json = await runCli(['info', sequence, '--json']);
    const info = JSON.parse(json.stdout);
    assert.equal(info.imageCount, 3);
    assert.equal(info.durationS, 0.1);
    assert.equal(info.calibration.fx, 120);
  });

  it('info tells the rest when the calibration cannot be used, and why', async () => {
    const source = join(folder, 'bad-camera');
    await writeTextureSequence(source, 2);
    await writeFile(join(source, 'camera.yaml'), 'intrinsics: [1, 2\n');
    const text = await runCli(['info', source]);
    assert.equal(text.code, 0, text.stderr);
    assert.match(text.stdout, /^images +2$/m);
    assert.match(text.stdout, /^calibration +cannot be used: .*camera\.yaml is not valid YAML/m);
    const json = JSON.parse((await runCli(['info', source, '--json'])).stdout);
    assert.equal(json.imageCount, 2);
    assert.match(json.calibrationProblem, /not valid YAML/);
  });

  it('eval compares two files', async () => {
    const lines = (scale: number) =>
      Array.from({ length: 40 }, (_, i) => {
        const [x, y] = [Math.cos(i / 6), Math.sin(i / 6)];
        return `${100 + i / 20} ${scale * x} ${scale * y} ${scale * 0.1 * i} 0 0 0 1`;
      }).join('\n');
    await writeFile(join(folder, 'a.tum'), lines(1));
    await writeFile(join(folder, 'b.tum'), lines(2.5));
    const json = join(folder, 'result', 'eval.json');
    const { code, stdout, stderr } = await runCli([
      'eval',
      join(folder, 'a.tum'),
      join(folder, 'b.tum'),
      '--json',
      json,
    ]);
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^ATE \[m\] +rmse 0\.0000/m);
    const { default: result } = await import(json, { with: { type: 'json' } });
    assert.ok(Math.abs(result.overall.alignment.scale - 2.5) < 1e-6);
    const rigid = await runCli(['eval', join(folder, 'a.tum'), join(folder, 'b.tum'), '--alignment', 'se3']);
    assert.doesNotMatch(rigid.stdout, /^ATE \[m\] +rmse 0\.0000/m);
  });
});
