// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { listModels } from '../../src/network/modelFolder.ts';
import { BUILD_TIMEOUT_MS, type EmulatedBuild, emulatedBuild } from '../fixtures/emulatedBuild.ts';

interface Finished {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

/** Runs a program to its end, whatever that is. */
async function run(program: string, ...args: string[]): Promise<Finished> {
  try {
    return { code: 0, signal: null, ...(await promisify(execFile)(program, args, { maxBuffer: 64 << 20 })) };
  } catch (error) {
    const { code, signal, stdout, stderr } = error as Finished;
    return { code, signal, stdout, stderr };
  }
}

interface Quantiles {
  p50: number;
  p99: number;
}

/** A run of seconds in the emulation. */
const TINY = ['--network', 'small', '--windows', '2/2/2/2', '--size', '48x48'];

/** What a command prints, and the record that it writes. */
async function recorded(program: string, ...args: string[]) {
  const folder = await mkdtemp(join(tmpdir(), 'qpvo-gpu-'));
  try {
    const path = join(folder, 'record.json');
    const { code, stdout, stderr } = await run(program, ...args, '--json', path);
    assert.equal(code, 0, `${stdout}\n${stderr}`);
    return { printed: stdout, record: JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown> };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Lines of a program that begin with a word. */
const linesOf = ({ stdout }: Finished, word: string) => stdout.split('\n').filter((line) => line.startsWith(word));

// The CUDA code without a GPU: the same sources, compiled against an emulation of CUDA (docs/decisions/0006-cuda-kernels-run-on-the-cpu-in-tests.md).
describe('CUDA code on the CPU', function () {
  this.timeout(BUILD_TIMEOUT_MS);

  let built: EmulatedBuild;
  before(async () => {
    built = await emulatedBuild();
  });

  it('the emulation sees what a GPU would answer with a hang, a fault or chance, and machines that cannot run it', async () => {
    const finished = await run(built.selfTest);
    assert.deepEqual(linesOf(finished, 'FAILED'), [], finished.stderr);
    assert.equal(finished.code, 0, finished.stderr);
    assert.ok(linesOf(finished, 'passed').length >= 30, finished.stdout);
  });

  it('device memory read by the host ends the program, and says so', async () => {
    const { code, signal, stderr } = await run(built.selfTest, 'touch');
    assert.notEqual(signal ?? code, 0);
    assert.match(stderr, /the host touched device memory/);
  });

  describe('the case table', () => {
    let finished: Finished;
    before(async () => {
      finished = await run(built.program, 'check', ...listModels().flatMap((model) => ['--golden', `models/${model}`]));
    });

    it('every row is as its CPU form or reference, with the same bits in every order of the threads', () => {
      assert.deepEqual(linesOf(finished, 'FAILED'), [], finished.stderr);
      assert.equal(finished.code, 0, `${finished.stdout.slice(-500)}\n${finished.stderr}`);
    });

    it('has rows of every op and network', () => {
      const ops = new Set(linesOf(finished, 'passed').map((line) => line.replace(/^passed +/, '').split(':')[0]));
      for (const op of [
        'device',
        'golden',
        'orderEdges',
        'correlate',
        'update',
        'encoders',
        'bundleAdjust',
        'steadyRun',
        'recorded',
        'memory',
      ])
        assert.ok(ops.has(op), `${op} in ${[...ops].join(', ')}`);
    });

    it('rows too large for the emulation', function () {
      const skipped = linesOf(finished, 'skipped');
      if (skipped.length === 0) return;
      console.log(
        `      skipped: ${skipped.length} rows need a GPU (qpvo_gpu_bench check): ${skipped.map((line) => line.replace(/^skipped +| \(large.*/g, '')).join('; ')}`,
      );
      this.skip();
    });
  });

  // Elsewhere a block has what the GPUs with the least have. With more, tiles of D 384 are larger on Orin, and on Hopper more weights are under way in all of them.
  for (const [gpu, sharedKb, only] of [
    ['Orin', 163, 'D 384'],
    ['Hopper', 227, 'update: '],
  ] as const)
    it(`the update operator in the forms that ${gpu} runs`, async () => {
      const finished = await run('env', `QPVO_EMULATION_SHARED_KB=${sharedKb}`, built.program, 'check', '--only', only);
      assert.deepEqual(linesOf(finished, 'FAILED'), [], finished.stderr);
      assert.equal(finished.code, 0, `${finished.stdout.slice(-500)}\n${finished.stderr}`);
      const largeTiles = linesOf(finished, 'passed').filter((line) => line.includes('as a large tile has rows'));
      assert.equal(largeTiles.length, 2, finished.stdout);
      // Where there are only the smaller tiles, such a chain is refused, and nothing differs.
      for (const line of largeTiles) assert.doesNotMatch(line, /difference 0,/);
    });

  describe('qpvo_gpu_bench on its command line', () => {
    it('refuses what it does not know, with the usage', async () => {
      const wrong = [
        ['chek'],
        ['check', '--onyl', 'x'],
        ['check', '--only'],
        ['time', '--runs', '0'],
        ['frame', '--network', 'huge'],
        ['frame', '--precision', 'fp8'],
        ['frame', '--size', '750x480'],
        ['frame', '--windows', '96/22/10'],
        ['frame', '--windows', '96/8/10/13'],
        ['soak', '--frames', '7'],
      ];
      for (const args of wrong) {
        const { code, stderr } = await run(built.program, ...args);
        assert.equal(code, 2, args.join(' '));
        assert.match(stderr, /^QPVO_USAGE: Expected .*received|^QPVO_USAGE: Expected a value/);
        assert.match(stderr, /qpvo_gpu_bench check/);
      }
    });

    it('times whole frames and their stages', async () => {
      const { printed, record } = await recorded(built.program, 'frame', ...TINY, '--frames', '2', '--commit', 'abc');
      assert.match(printed, /small, fp16, 8 pairs of 2 patches: .* frames\/s/);
      const { kind, commit, device, pairs, validShare, stageMs, frameMs, hostMs, peakDeviceBytes } = record;
      assert.deepEqual(
        { kind, commit, pairs, validShare },
        { kind: 'qpvo frame', commit: 'abc', pairs: 8, validShare: 1 },
      );
      assert.equal((device as { emulated: boolean }).emulated, true);
      assert.ok((peakDeviceBytes as number) > 1e6);
      const { p50, p99 } = frameMs as Quantiles;
      assert.ok(p99 >= p50 && p50 > (hostMs as Quantiles).p50 && (hostMs as Quantiles).p50 > 0);
      const stages = stageMs as Record<string, number>;
      for (const stage of ['encoders', 'correlation', 'update', 'bundle_adjustment'])
        assert.ok(stages[stage]! > 0, stage);
    });

    it('watches memory over frames, which stays as it is', async () => {
      const { record } = await recorded(built.program, 'soak', ...TINY, '--frames', '8');
      const numbers = record.numbers as { what: string; measured: number; verdict: string }[];
      assert.equal((record.samples as unknown[]).length, 8);
      assert.deepEqual(
        numbers.filter(({ what }) => !what.startsWith('host')).map(({ measured, verdict }) => ({ measured, verdict })),
        [
          { measured: 0, verdict: 'met' },
          { measured: 0, verdict: 'met' },
        ],
      );
      assert.equal(numbers.find(({ what }) => what.startsWith('host'))?.verdict, 'met');
    });

    it('says that a record cannot be written', async () => {
      const { code, stderr } = await run(
        built.program,
        'frame',
        ...TINY,
        '--frames',
        '1',
        '--json',
        'no/such/folder.json',
      );
      assert.equal(code, 1);
      assert.match(stderr, /QPVO_OUTPUT: Expected to write no\/such\/folder\.json/);
    });

    it('checks nothing as failed when no row has the name', async () => {
      const { code, stdout } = await run(built.program, 'check', '--only', 'no such row');
      assert.equal(code, 1);
      assert.match(stdout, /0 passed, 0 failed/);
    });

    it('says what is missing of a model', async () => {
      const { code, stderr } = await run(built.program, 'check', '--golden', 'models/none');
      assert.equal(code, 1);
      assert.match(stderr, /QPVO_NOT_FOUND: .*models\/none\/manifest\.json/);
    });
  });
});
