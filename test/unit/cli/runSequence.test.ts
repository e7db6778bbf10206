// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { type RunRequest, runSequence } from '../../../src/cli/runSequence.ts';
import { QpvoError } from '../../../src/error.ts';
import { CountingOdometry, type ListItem, ListSource, MemoryOutput } from './fakes.ts';

const STEP_NS = 1_000_000n;
const SETTINGS = { source: 'list', profile: 'cpu_fp32', model: 'small', seed: 3, realtime: false };
const stamps = (count: number): bigint[] => Array.from({ length: count }, (_, i) => BigInt(i + 1) * STEP_NS);

function request(
  items: readonly ListItem[],
  more: Partial<RunRequest> = {},
): RunRequest & { odometry: CountingOdometry } {
  return {
    source: new ListSource(items),
    outputs: [],
    range: {},
    settings: SETTINGS,
    ...more,
    odometry: (more.odometry as CountingOdometry | undefined) ?? new CountingOdometry(),
  };
}

describe('run of a sequence', () => {
  it('gives every frame to the odometry in order, and every result to every output', async () => {
    const outputs = [new MemoryOutput(), new MemoryOutput()];
    const run = request(stamps(40), { outputs });
    const { summary, failure } = await runSequence(run);
    assert.equal(failure, undefined);
    assert.deepEqual(run.odometry.stamps, stamps(40));
    for (const output of outputs) {
      assert.deepEqual(output.stamps, stamps(40));
      assert.deepEqual(output.finalStamps, stamps(40).slice(2));
      assert.deepEqual(output.summary, summary);
    }
  });

  it('sums up what came', async () => {
    const { summary } = await runSequence(request(stamps(20)));
    assert.equal(summary.frames, 20);
    assert.equal(summary.tracked, 18);
    assert.equal(summary.lost, 2);
    assert.equal(summary.skipped, 0);
    assert.equal(summary.dropped, undefined);
    assert.equal(summary.keyframes, 9);
    assert.equal(summary.incomplete, false);
    assert.deepEqual(summary.segments, [
      { segment: 0, firstStampNs: '3000000', lastStampNs: '20000000', frames: 18, keyframes: 9 },
    ]);
    assert.deepEqual(summary.latencyMs, { p50: 30, p95: 30, p99: 30 });
    assert.equal(summary.pairs, 7);
    assert.equal(summary.stagesMs.encode, 10);
    assert.equal(summary.stagesMs.update, 20);
    assert.ok(summary.stagesMs.wait! >= 0);
    assert.ok(summary.fps > 0 && summary.peakRssMb > 10);
    assert.equal(summary.ate, undefined);
    assert.deepEqual([summary.profile, summary.model, summary.seed], ['cpu_fp32', 'small', 3]);
    assert.doesNotThrow(() => JSON.stringify(summary));
  });

  it('tells the error against ground truth', async () => {
    // The truth is the estimate seen at twice its scale and shifted, so that Sim(3) leaves no error. It bends, or there would be no alignment.
    const truth = stamps(20).map((stampNs, i) => ({
      stampNs,
      t: [5 + 2 * i, 0, 0] as [number, number, number],
      q: [0, 0, 0, 1] as [number, number, number, number],
    }));
    const { summary } = await runSequence(request([], { source: new ListSource(stamps(20), truth) }));
    assert.equal(summary.ate?.poses, 18);
    assert.equal(summary.ate?.alignment, 'sim3');
    assert.ok(summary.ate!.rmseM < 1e-6, `${summary.ate!.rmseM}`);
  });

  it('counts damaged images and stamps that go back as skipped, and says so', async () => {
    const notices: string[] = [];
    const items = [...stamps(5), 'the PNG is damaged', 3n * STEP_NS, 6n * STEP_NS, 6n * STEP_NS, 7n * STEP_NS];
    const { summary, failure } = await runSequence(request(items, { onNotice: (text) => notices.push(text) }));
    assert.equal(failure, undefined);
    assert.equal(summary.frames, 10);
    assert.equal(summary.skipped, 3);
    assert.equal(summary.frames, summary.tracked + summary.lost + summary.skipped);
    assert.equal(notices.length, 3);
    assert.match(notices[0]!, /the PNG is damaged/);
    assert.match(notices[1]!, /the stamp goes back/);
  });

  for (const [name, end] of [
    ['the end of a damaged container', { end: 'file cut off' }],
    ['an error of the source', new QpvoError('QPVO_SOURCE_CORRUPT', { what: 'file cut off' })],
  ] as const) {
    it(`keeps what came before ${name}, and fails`, async () => {
      const output = new MemoryOutput();
      const notices: string[] = [];
      const onNotice = (text: string) => notices.push(text);
      const { summary, failure } = await runSequence(request([...stamps(10), end], { outputs: [output], onNotice }));
      assert.ok(failure instanceof QpvoError);
      assert.equal(failure.code, 'QPVO_SOURCE_CORRUPT');
      assert.match(failure.message, /file cut off/);
      assert.equal(summary.incomplete, true);
      assert.deepEqual([summary.frames, summary.skipped, notices.length], [10, 0, 0]);
      assert.equal(output.stamps.length, 10);
      assert.equal(output.finalStamps.length, 8);
      assert.equal(output.summary?.incomplete, true);
    });
  }

  it('takes damaged last images for what they are', async () => {
    const { summary, failure } = await runSequence(request([...stamps(10), 'bad 10.png', 'bad 11.png']));
    assert.equal(failure, undefined);
    assert.deepEqual([summary.frames, summary.skipped, summary.incomplete], [12, 2, false]);
    assert.equal(summary.skipReason, 'bad 10.png');
  });

  it('fails when all images are damaged', async () => {
    const { failure } = await runSequence(request(['bad 0.png', 'bad 1.png']));
    assert.equal((failure as QpvoError).code, 'QPVO_SOURCE_CORRUPT');
    assert.match((failure as QpvoError).message, /no image of the recording can be read: received 2 damaged ones/);
  });

  it('tells a nested message with one full stop', async () => {
    const { failure } = await runSequence(request([...stamps(3), { end: 'the file was cut off. Record again.' }]));
    assert.match(
      (failure as QpvoError).message,
      /beyond image 3: received the file was cut off\. Record again\. The images/,
    );
  });

  it('does not reject when a source cannot begin, or cannot end', async () => {
    class Unwilling extends ListSource {
      override frames(): never {
        throw new Error('no images today');
      }
    }
    const begin = await runSequence(request([], { source: new Unwilling([]) }));
    assert.match(String(begin.failure), /no images today/);

    class Clinging extends ListSource {
      override frames() {
        const items = super.frames();
        return Object.assign(items, { return: () => Promise.reject(new Error('cannot be closed')) });
      }
    }
    const outputs = [new MemoryOutput(5)];
    const end = await runSequence(request([], { source: new Clinging(stamps(100)), outputs }));
    assert.match(String(end.failure), /disk full/);
  });

  it('fails when no image is in the chosen part', async () => {
    const { failure } = await runSequence(request([]));
    assert.equal((failure as QpvoError).code, 'QPVO_SOURCE_EMPTY');
  });

  it('completes the outputs when the odometry fails', async () => {
    class FailingOdometry extends CountingOdometry {
      override async track(frame: Parameters<CountingOdometry['track']>[0]) {
        if (this.stamps.length === 6) {
          throw new QpvoError('QPVO_IMAGE_SIZE', { what: 'the image size changed' });
        }
        return super.track(frame);
      }
    }
    const output = new MemoryOutput();
    const { summary, failure } = await runSequence(
      request(stamps(100), { odometry: new FailingOdometry(), outputs: [output] }),
    );
    assert.equal((failure as QpvoError).code, 'QPVO_IMAGE_SIZE');
    assert.equal(output.stamps.length, 6);
    assert.equal(output.finalStamps.length, 4);
    assert.equal(output.summary?.incomplete, true);
    assert.equal(summary.tracked, 4);
  });

  it('stops when an output fails, and completes the others', async () => {
    const whole = new MemoryOutput();
    const run = request(stamps(100), { outputs: [whole, new MemoryOutput(5)] });
    const { summary, failure } = await runSequence(run);
    assert.match(String(failure), /disk full/);
    assert.equal(summary.incomplete, true);
    assert.equal(run.odometry.stamps.length, 6);
    assert.equal(run.odometry.finished, 1);
    assert.equal(whole.finalStamps.length, 4);
  });

  it('an interrupt ends it early, complete and without failure', async () => {
    const controller = new AbortController();
    const output = new MemoryOutput();
    const run = request(stamps(1000), {
      outputs: [output],
      signal: controller.signal,
      onProgress: ({ processed }) => {
        if (processed === 12) controller.abort();
      },
    });
    const { summary, failure } = await runSequence(run);
    assert.equal(failure, undefined);
    assert.equal(summary.incomplete, true);
    assert.equal(summary.frames, 12);
    assert.equal(output.finalStamps.length, 10);
    assert.equal(run.odometry.finished, 1);
  });

  it('reports progress after each frame', async () => {
    const seen: string[] = [];
    await runSequence(request(stamps(4), { onProgress: ({ processed, state }) => seen.push(`${processed} ${state}`) }));
    assert.deepEqual(seen, ['1 INITIALIZING', '2 INITIALIZING', '3 TRACKING', '4 TRACKING']);
  });
});

describe('run in real time', () => {
  const realtime = { ...SETTINGS, realtime: true };
  const at50Hz = Array.from({ length: 15 }, (_, i) => BigInt(i) * 20_000_000n + 1n);

  it('plays by the stamps and drops nothing when the odometry keeps up', async () => {
    const startMs = performance.now();
    const { summary } = await runSequence(request(at50Hz, { settings: realtime }));
    const elapsedMs = performance.now() - startMs;
    assert.equal(summary.dropped, 0);
    assert.equal(summary.frames, 15);
    assert.ok(elapsedMs >= 275, `14 intervals of 20 ms took ${elapsedMs} ms`);
  });

  it('drops the oldest frames, counts them, and ends in time when the odometry is slower', async () => {
    const run = request(at50Hz, { settings: realtime, odometry: new CountingOdometry(70) });
    const { summary } = await runSequence(run);
    assert.ok(summary.dropped! >= 5, `dropped ${summary.dropped}`);
    assert.equal(summary.frames, 15);
    assert.equal(summary.frames, summary.tracked + summary.lost + summary.skipped + summary.dropped!);
    assert.equal(run.odometry.stamps.at(-1), at50Hz.at(-1), 'the newest frame is always taken');
  });

  it('an interrupt does not wait for the next frame to be due', async () => {
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 50);
    const startMs = performance.now();
    const { summary } = await runSequence(
      request([1n, 60_000_000_000n], { settings: realtime, signal: controller.signal }),
    );
    assert.ok(performance.now() - startMs < 5000);
    assert.equal(summary.incomplete, true);
    assert.equal(summary.frames, 1);
  });
});
