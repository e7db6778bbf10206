// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { bookkeepingMs, type FrameRecord, framesWithPose, hostMs } from '../../bench/FrameRecord.ts';
import { memoryGrowth } from '../../bench/memoryGrowth.ts';
import { medianOf, quantileOf, slopeOf } from '../../bench/statistics.ts';
import { atLeast, atMost, notJudged, plain, targetTable } from '../../bench/targets.ts';
import { numberText, table } from '../../src/compare/textTable.ts';

const FRAME: FrameRecord = {
  atMs: 0,
  state: 'TRACKING',
  skipped: false,
  hasPose: true,
  latencyMs: 100,
  stagesMs: { prepare: 3, encode: 20, update: 50, correlate: 21, commit: 1 },
  opsMs: { prepareImage: 2.5, correlate: 20.5, bundleAdjust: 5, assessHealth: 0.5 },
  pairs: 302,
  targets: 27,
  rssMb: 400,
  cpuMs: 0,
  gpuMb: 0,
};

describe('benchmark numbers', () => {
  it('quantiles and slopes', () => {
    assert.equal(medianOf([3, 1, 2]), 2);
    assert.equal(quantileOf([0, 10], 0.95), 9.5);
    assert.ok(Number.isNaN(medianOf([])));
    assert.equal(slopeOf([0, 1, 2, 5].map((x) => ({ x, y: 7 - 3 * x }))), -3);
    assert.ok(Number.isNaN(slopeOf([{ x: 1, y: 1 }])));
  });

  it('frames count from the first pose on, lost ones too, skipped ones not', () => {
    const frames = [
      { ...FRAME, hasPose: false },
      FRAME,
      { ...FRAME, hasPose: false },
      { ...FRAME, skipped: true },
      FRAME,
    ];
    assert.deepEqual(framesWithPose(frames), [frames[1], frames[2], frames[4]]);
    assert.deepEqual(framesWithPose([frames[0]!]), []);
  });

  it('bookkeeping is what native ops and networks leave of the latency', () => {
    assert.equal(bookkeepingMs(FRAME), 100 - 28.5 - 20 - 50);
    assert.equal(hostMs({ ...FRAME, opsMs: { correlate: 0.1, readBack: 60 } }), 40);
  });

  it('memory that stays flat, and memory that leaks 2 MB per 1000 frames', () => {
    const wave = (frame: number): number => 400 + 3 * Math.sin(frame);
    const flat = memoryGrowth(Array.from({ length: 5000 }, (_, frame) => wave(frame)));
    assert.ok(Math.abs(flat.mbPer1000Frames) < 0.1 && Math.abs(flat.late - flat.early) < 0.5);
    const leak = memoryGrowth(Array.from({ length: 5000 }, (_, frame) => wave(frame) + frame / 500));
    assert.ok(Math.abs(leak.mbPer1000Frames - 2) < 0.1 && leak.late - leak.early > 9);
    assert.deepEqual(
      leak.samples.map(({ frames }) => frames),
      [100, 250, 500, 1000, 2000, 3000, 4000, 5000],
    );
    assert.equal(leak.samples[0]!.rssMb, wave(99) + 99 / 500);
  });

  it('a growth that has ended does not count in the second half', () => {
    const growth = memoryGrowth(Array.from({ length: 1000 }, (_, frame) => Math.min(frame, 400)));
    assert.equal(growth.mbPer1000Frames, 0);
    assert.deepEqual([growth.early, growth.late], [124.5, 400]);
  });
});

describe('benchmark tables', () => {
  it('numbers keep three digits', () => {
    const texts = [1234.5, 123.4, 12.34, 1.234, 0.1234, 0.01234, 0, Number.NaN].map(numberText);
    assert.deepEqual(texts, ['1235', '123', '12.3', '1.23', '0.123', '0.0123', '0', 'NaN']);
  });

  it('columns are aligned', () => {
    const text = table(['what', 'ms'], [['a', 1.5], ['longer', 'none'], ['b']]);
    assert.equal(text, 'what      ms\n------  ----\na       1.50\nlonger  none\nb');
  });

  it('verdicts follow the bound; a number that is not there misses it', () => {
    assert.equal(atLeast('fps', 8, 8, '1/s').verdict, 'met');
    assert.equal(atLeast('fps', 7.99, 8, '1/s').verdict, 'MISSED');
    assert.equal(atMost('ms', 24.3, 24.25, 'ms').verdict, 'MISSED');
    assert.equal(atMost('ms', Number.NaN, 24.25, 'ms').verdict, 'MISSED');
    assert.equal(notJudged(atMost('ms', 99, 1, 'ms')).verdict, 'not judged');
    assert.deepEqual(notJudged(plain('n', 1, '')), plain('n', 1, ''));
    assert.match(targetTable([atLeast('fps', 7.5, 8, '1/s')]), /fps +7\.50 +1\/s +at least 8 +MISSED/);
  });
});
