// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
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
      for (const op of ['device', 'golden', 'correlate', 'update', 'encoders', 'bundleAdjust'])
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

  describe('qpvo_gpu_bench on its command line', () => {
    it('refuses what it does not know, with the usage', async () => {
      for (const args of [['chek'], ['check', '--onyl', 'x'], ['check', '--only'], ['time', '--runs', '0']]) {
        const { code, stderr } = await run(built.program, ...args);
        assert.equal(code, 2, args.join(' '));
        assert.match(stderr, /^QPVO_USAGE: Expected .*received|^QPVO_USAGE: Expected a value/);
        assert.match(stderr, /qpvo_gpu_bench check/);
      }
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
