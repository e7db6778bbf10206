// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { resultFile } from '../../bench/benchmark.ts';
import { runCli } from '../../bench/cliRun.ts';
import { bookkeepingMs } from '../../bench/FrameRecord.ts';
import { forthAndBack, writeLoopedRecording } from '../../bench/loopedRecording.ts';
import { demo, excerpt, type Recording } from '../../bench/recordings.ts';
import { noise } from '../../bench/syntheticProblem.ts';
import { listBenchmarks } from '../../src/cli/benchmarks.ts';
import { packageRoot } from '../../src/packageRoot.ts';
import { openSource } from '../../src/sources/openSource.ts';

const JOB = join(packageRoot(), 'scripts', 'jobs', 'bench.mjs');
const { benchArguments } = (await import(JOB)) as { benchArguments: (rest: string[]) => string[] };

describe('benchmarks of the repository', () => {
  it('are found by qpvo bench, each with a line that says what it measures', async () => {
    const benchmarks = await listBenchmarks(join(packageRoot(), 'bench'));
    const names = benchmarks.map(({ name }) => name);
    assert.deepEqual(names, [
      'accuracy',
      'covariance',
      'determinism',
      'gpu',
      'hidden',
      'layers',
      'live',
      'numerics',
      'ops',
      'process',
      'sets',
      'soak',
      'speed',
      'startup',
    ]);
    for (const { text } of benchmarks) assert.match(text, /^[A-Z].{30,}\.$/);
  });

  it('are all run by npm run bench without a name', () => {
    assert.deepEqual(benchArguments([]), ['all']);
    assert.deepEqual(benchArguments(['--frames', '50']), ['all', '--frames', '50']);
    assert.deepEqual(benchArguments(['speed', '--frames', '50']), ['speed', '--frames', '50']);
  });

  it('write to the chosen file, or to a file of their name', () => {
    assert.equal(resultFile('speed', 'x/y.json'), 'x/y.json');
    assert.equal(resultFile('speed', 'x'), join('x', 'speed.json'));
    assert.equal(resultFile('speed'), join(packageRoot(), 'bench', 'results', 'speed.json'));
  });

  it('noise is the same every time and covers all bytes', () => {
    assert.deepEqual(noise(100, 7), noise(100, 7));
    assert.notDeepEqual(noise(100, 7), noise(100, 8));
    assert.equal(new Set(noise(10_000, 7)).size, 256);
  });
});

describe('recordings of benchmarks', () => {
  const recording: Recording = { name: 'r', path: 'p', images: 100, periodS: 0.05 };

  it('an excerpt ends half a period after its last image; a stride rounds up', () => {
    assert.deepEqual(excerpt(recording, 10), { images: 10, args: ['p', '--stride', '1', '--end', '0.475000'] });
    assert.deepEqual(excerpt(recording, 11, 2).images, 6);
    assert.deepEqual(excerpt(recording, undefined, 2), { images: 50, args: ['p', '--stride', '2'] });
    assert.deepEqual(excerpt(recording, 1000).args, ['p', '--stride', '1']);
  });

  it('forth and back moves by one image at a time', () => {
    assert.deepEqual(forthAndBack(3, 9), [0, 1, 2, 1, 0, 1, 2, 1, 0]);
    assert.deepEqual(forthAndBack(1, 3), [0, 0, 0]);
  });

  it('a looped recording is read as a recording, with stamps that go on', async () => {
    const found = await demo();
    assert.ok(found);
    const folder = await mkdtemp(join(tmpdir(), 'qpvo-loop-'));
    try {
      await writeLoopedRecording(folder, found, 3, 8);
      const source = await openSource(folder);
      const sums: number[] = [];
      const stamps: bigint[] = [];
      for await (const item of source.frames()) {
        assert.ok(!('fault' in item));
        sums.push(item.data.reduce((sum, byte) => sum + byte, 0));
        stamps.push(item.stampNs);
      }
      const [a, b, c] = sums;
      assert.deepEqual(sums, [a, b, c, b, a, b, c, b]);
      assert.equal(new Set([a, b, c]).size, 3);
      assert.ok(source.calibration);
      const steps = new Set(stamps.slice(1).map((stamp, index) => stamp - stamps[index]!));
      assert.equal(steps.size, 1);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

describe('a measured run', () => {
  it('reports every frame, the native ops of each, and ends early when told', async () => {
    const found = await demo();
    assert.ok(found);
    const settings = ['--profile', 'cpu_fp32_half', '--no-report'];
    const whole = await runCli({ args: [...excerpt(found, 4).args, ...settings] });
    assert.equal(whole.frames.length, 4);
    assert.equal(whole.summary.frames, 4);
    for (const frame of whole.frames) {
      assert.ok((frame.opsMs.prepareImage ?? 0) > 0 && (frame.opsMs.insertFrame ?? 0) > 0);
      assert.ok(bookkeepingMs(frame) > 0 && bookkeepingMs(frame) < frame.latencyMs);
      assert.ok(frame.atMs > whole.startedMs && frame.rssMb > 50);
    }
    const some = await runCli({ args: [found.path, ...settings], enough: () => true });
    assert.equal(some.summary.incomplete, true);
    assert.ok(some.frames.length < found.images);
  });

  it('that fails says why', async () => {
    await assert.rejects(runCli({ args: ['no-such-recording'] }), {
      code: 'QPVO_INTERNAL',
      message: /no-such-recording/,
    });
  });
});
