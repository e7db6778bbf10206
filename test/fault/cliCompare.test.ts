// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Comparison } from '../../src/compare/Comparison.ts';
import type { RunSummary } from '../../src/outputs/RunSummary.ts';
import { packageRoot } from '../../src/packageRoot.ts';
import { runCli } from './runCli.ts';
import { writeTextureSequence } from './textureSequence.ts';

const DEMO = join(packageRoot(), 'demo', 'sequence');
const TWO = ['--profiles', 'cpu_fp32,cpu_fp32_half'];

describe('command line: comparisons', function () {
  this.timeout(180_000);
  let folder: string;
  let wall: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'qpvo-compare-'));
    wall = join(folder, 'wall');
    await writeTextureSequence(wall, 12);
    await writeFile(join(folder, 'notes.txt'), 'no recording\n');
  });
  after(() => rm(folder, { recursive: true }));

  const read = async (file: string): Promise<Comparison> => JSON.parse(await readFile(file, 'utf8')) as Comparison;

  /** Arguments (`%` stands for the folder of the test), exit code, what stderr says. Nothing is written by any of them. */
  const refusals: readonly (readonly [string, string[], number, RegExp])[] = [
    ['no source', TWO, 2, /arguments of compare: expected <source> \[source \.\.\.\], but received none/],
    ['no profile', [DEMO], 2, /--profiles: expected at least two profiles.*received nothing.*qpvo doctor/],
    ['one profile', [DEMO, '--profiles', 'cpu_fp32,'], 2, /--profiles: expected at least two.*"cpu_fp32,"/],
    ['the same profile twice', [DEMO, '--profiles', 'cpu_fp32,cpu_fp32'], 2, /each profile once.*cpu_fp32 twice/],
    [
      'an unknown profile',
      [DEMO, '--profiles', 'cpu_fp32,cpu_fp23'],
      2,
      /unknown profile "cpu_fp23".*Did you mean cpu_fp32\?/,
    ],
    [
      'a profile that cannot run here',
      [DEMO, '--profiles', 'cpu_fp32,orin_int8'],
      1,
      /orin_int8 cannot run here: .*Profiles that can run here: cpu_fp32, .*QPVO_PROFILE_UNAVAILABLE/,
    ],
    ['an unknown model', [DEMO, ...TWO, '--model', 'tiny'], 2, /unknown model "tiny"/],
    ['no seeds', [DEMO, ...TWO, '--seeds', '0'], 2, /--seeds: expected a whole number of at least 1/],
    ['no jobs', [DEMO, ...TWO, '--jobs', '0'], 2, /--jobs: expected a whole number of at least 1/],
    ['an end before the start', [DEMO, ...TWO, '--start', '3', '--end', '2'], 2, /--end: expected more than --start 3/],
    ['an unknown parameter', [DEMO, ...TWO, '--set', 'patches=5'], 2, /parameter/],
    ['a source that is not there', [DEMO, '%/none', ...TWO], 1, /cannot read .*none.*QPVO_NOT_FOUND/],
    ['a source that is no recording', ['%/notes.txt', ...TWO], 1, /notes\.txt.*QPVO_UNKNOWN_SOURCE/],
    ['images too small for one of the profiles', ['%/wall', ...TWO], 1, /too small at scale 0\.5.*QPVO_CALIBRATION/],
    [
      'an output folder that is a file',
      [DEMO, ...TWO, '--out', '%/notes.txt'],
      1,
      /cannot create the output folder.*QPVO_OUTPUT/,
    ],
  ];
  for (const [name, args, code, message] of refusals) {
    it(`${name} is refused before any run`, async () => {
      const out = join(folder, 'never');
      const given = args.map((arg) => arg.replace('%', folder));
      const result = await runCli(['compare', '--out', out, ...given]);
      assert.match(result.stderr, message);
      assert.doesNotMatch(result.stderr, /seed0/);
      assert.equal(result.code, code);
      assert.ok(!existsSync(out));
    });
  }

  it('puts two profiles side by side in text, JSON and a page', async () => {
    const out = join(folder, 'demo');
    const json = join(folder, 'result.json');
    const args = [DEMO, ...TWO, '--seeds', '1', '--end', '2', '--out', out, '--json', json];
    const { code, stdout, stderr } = await runCli(['compare', ...args]);
    assert.equal(code, 0, stderr);
    assert.match(stderr, /^2 runs: 1 sequence x 2 profiles x 1 seed$/m);
    assert.match(stderr, /^\[2\/2\] sequence\/cpu_fp32_half\/seed0: error 0\.\d+ m, .* frames\/s$/m);
    assert.match(stdout, /^sequence +cpu_fp32 +cpu_fp32_half$/m);
    assert.match(stdout, /^(within|BEYOND): cpu_fp32_half against cpu_fp32: median ATE /m);
    const { sequences, made } = await read(json);
    assert.equal(made, 2);
    for (const { measures, stagesMs } of sequences[0]!.profiles) {
      for (const name of ['error', 'fps', 'latencyP99Ms', 'peakMemoryMb', 'modelKb', 'gmacPerFrame'] as const) {
        assert.ok(measures[name]!.median > 0, name);
      }
      assert.ok(stagesMs.encode! > 0 && stagesMs.update! > 0);
    }
    const summary = JSON.parse(
      await readFile(join(out, 'runs', 'sequence', 'cpu_fp32', 'seed0', 'summary.json'), 'utf8'),
    ) as RunSummary;
    assert.ok(summary.pairs > 20, `${summary.pairs} pairs`);
    const [first, half] = sequences[0]!.profiles;
    assert.ok(half!.measures.gmacPerFrame!.median < first!.measures.gmacPerFrame!.median);
    assert.match(await readFile(join(out, 'compare.html'), 'utf8'), /<h1>cpu_fp32 \u00b7 cpu_fp32_half<\/h1>/);
    assert.ok(existsSync(join(out, 'runs', 'sequence', 'cpu_fp32', 'seed0', 'trajectory.tum')));
    assert.ok(!existsSync(join(out, 'compare.json')));
  });

  it('shows runs that failed, and makes the others', async () => {
    const out = join(folder, 'failed');
    const profiles = ['--profiles', 'cpu_fp32,cpu_fp32_default'];
    const { code, stdout, stderr } = await runCli([
      ...['compare', wall, DEMO, ...profiles, '--seeds', '1', '--start', '1', '--end', '1.2', '--out', out],
    ]);
    assert.equal(code, 1, stderr);
    assert.match(stderr, /wall\/cpu_fp32\/seed0: FAILED: .*no image in the chosen part/);
    assert.match(stdout, /cpu_fp32: 1 of 1 runs FAILED: .*no image in the chosen part/);
    const { sequences } = await read(join(out, 'compare.json'));
    assert.deepEqual(
      sequences.map(({ name, profiles }) => [name, profiles.map(({ failures }) => failures.length)]),
      [
        ['wall', [1, 1]],
        ['sequence', [0, 0]],
      ],
    );
    assert.match(await readFile(join(out, 'compare.html'), 'utf8'), /2 runs failed/);
  });

  it('Ctrl-C leaves what was done', async () => {
    const out = join(folder, 'interrupted');
    let sent = false;
    const { code, stdout, stderr } = await runCli(
      ['compare', DEMO, ...TWO, '--seeds', '3', '--end', '1', '--out', out],
      {
        onStderr: (text, child) => {
          if (!sent && text.includes('[1/6]')) sent = child.kill('SIGINT');
        },
      },
    );
    assert.ok(sent, stderr);
    assert.equal(code, 0, stderr);
    assert.match(stderr, /Ending: what was done is kept/);
    const { made, planned } = await read(join(out, 'compare.json'));
    assert.ok(made >= 1 && made < planned, `${made} of ${planned}`);
    assert.match(stdout, new RegExp(`^Ended early: ${made} of 6 runs were made`));
    assert.match(await readFile(join(out, 'compare.html'), 'utf8'), new RegExp(`${made} of 6 runs were made`));
  });

  it('is among the commands and explains itself', async () => {
    const { stdout } = await runCli(['compare', '--help']);
    assert.match(stdout, /^Usage: qpvo compare <source> \[<source> \.\.\.\] --profiles <a,b,\.\.\.>/);
    assert.match(stdout, /Examples:\n {2}qpvo compare /);
    assert.match((await runCli(['--help'])).stdout, /^ {2}compare {2}compare profiles on the same recordings$/m);
  });
});
