// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import type { Comparison, ComparisonPlan } from '../../src/compare/Comparison.ts';
import { compareRuns } from '../../src/compare/compareRuns.ts';
import { comparisonText } from '../../src/compare/comparisonText.ts';
import { macPerFrame } from '../../src/compare/measures.ts';
import { RunErrors } from '../../src/compare/RunErrors.ts';
import { contextEncoderMac, featureEncoderMac, updateMac } from '../../src/network/networkMacs.ts';
import { temporaryFolder } from '../fixtures/temporaryFolder.ts';
import { contender, planOf, sequence, writeRun, writeRuns } from './compare-syntheticRuns.ts';

/** Waves of the runs of two profiles with three seeds, metres. */
const WAVES: Record<string, number[]> = { first: [0.01, 0.02, 0.03], second: [0.05, 0.04, 0.06] };
const waveOf = ({ profile, seed }: { profile: string; seed: number }): number => WAVES[profile]![seed]!;

async function compared(plan: ComparisonPlan, runs: Awaited<ReturnType<typeof writeRuns>>): Promise<Comparison> {
  const errors = new RunErrors(plan);
  for (const run of runs) errors.add(run);
  return compareRuns(plan, runs, errors);
}

describe('numbers of a comparison', () => {
  const folder = temporaryFolder();

  it('are medians and ranges over the seeds, and ratios to the first profile', async () => {
    const plan = planOf();
    const runs = await writeRuns(folder('truth'), plan, waveOf);
    for (const run of runs) if (run.profile === 'second') run.summary!.fps = 25;
    const { sequences } = await compared(plan, runs);
    const [first, second] = sequences[0]!.profiles;
    const wave = (profile: 'first' | 'second', seed: number) =>
      sequences[0]!.runs.find((run) => run.profile === profile && run.seed === seed)!.values.error!;
    // The root mean square of a wave; alignment takes nothing of it away that matters.
    assert.ok(Math.abs(wave('first', 1) / (0.02 / Math.SQRT2) - 1) < 0.05, `${wave('first', 1)}`);
    assert.deepEqual(first!.measures.error, {
      median: wave('first', 1),
      min: wave('first', 0),
      max: wave('first', 2),
    });
    assert.equal(second!.ratios.error, wave('second', 0) / wave('first', 1));
    assert.equal(second!.ratios.fps, 2.5);
    assert.deepEqual(first!.ratios, {});
    assert.deepEqual([first!.measures.trackedPercent!.median, first!.measures.losses!.median], [90, 0]);
    assert.equal(second!.verdict!.verdict, 'BEYOND');
    assert.equal(second!.verdict!.limit, wave('first', 2));
    assert.equal(first!.verdict, undefined);
    assert.deepEqual(second!.stagesMs, { encode: 40, update: 50 });
    assert.ok(first!.measures.rpeM!.median > 0);
  });

  it('without ground truth are differences to the first profile, whose seeds are compared with each other', async () => {
    const plan = planOf({ sequences: [sequence('arc')] });
    const { sequences } = await compared(plan, await writeRuns(folder('bare'), plan, waveOf));
    const [first, second] = sequences[0]!.profiles;
    assert.equal(sequences[0]!.errorUnit, '% of path');
    const value = (profile: string, seed: number) =>
      sequences[0]!.runs.find((run) => run.profile === profile && run.seed === seed)!.values.error!;
    // Seed 0 of the second differs by a wave of 4 cm from seed 0 of the first, seed 2 of the first by 2 cm from its seed 0.
    assert.ok(Math.abs(value('second', 0) / value('first', 2) - 2) < 0.02);
    assert.ok(first!.measures.error!.max < second!.measures.error!.max);
    assert.equal(second!.verdict!.verdict, 'BEYOND');
    assert.equal(first!.measures.rpeM, undefined);
    assert.ok(first!.measures.rpeDeg !== undefined);
  });

  it('without ground truth and with one seed judge nothing', async () => {
    const plan = planOf({ sequences: [sequence('arc')], seeds: 1 });
    const { sequences } = await compared(plan, await writeRuns(folder('one'), plan, waveOf));
    const [first, second] = sequences[0]!.profiles;
    assert.equal(first!.measures.error, undefined);
    assert.ok(second!.measures.error!.median > 0);
    assert.equal(second!.verdict!.verdict, 'not judged');
  });

  it('hold failed runs as failed, and a run without poses as one without an error', async () => {
    const plan = planOf();
    const runs = await writeRuns(folder('failed'), plan, (run) =>
      run.profile === 'second' && run.seed === 1 ? undefined : waveOf(run),
    );
    const comparison = await compared(plan, runs);
    const second = comparison.sequences[0]!.profiles[1]!;
    assert.deepEqual([second.runs, second.failures], [3, ['out of <memory>']]);
    assert.equal(second.measures.error!.max, Number.POSITIVE_INFINITY);
    assert.equal(second.measures.fps!.median, 10);
    assert.match(comparisonText(comparison), /second: 1 of 3 runs FAILED: out of <memory>/);
    assert.match(comparisonText(comparison), /3, 1 failed/);
  });

  it('of an unfinished comparison are those of the runs made', async () => {
    const plan = planOf();
    const runs = await writeRuns(folder('part'), plan, waveOf);
    const comparison = await compared(plan, runs.slice(0, 1));
    assert.deepEqual([comparison.made, comparison.planned], [1, 6]);
    assert.deepEqual(
      comparison.sequences[0]!.profiles.map(({ profile }) => profile),
      ['first'],
    );
    assert.match(comparisonText(comparison), /Ended early: 1 of 6 runs were made\./);
    assert.match(comparisonText(await compared(plan, [])), /no run was made/);
  });

  it('leave times out when runs shared the machine', async () => {
    const plan = planOf({ jobs: 2 });
    const comparison = await compared(plan, await writeRuns(folder('jobs'), plan, waveOf));
    const first = comparison.sequences[0]!.profiles[0]!;
    assert.deepEqual([first.measures.fps, first.measures.latencyP99Ms, first.stagesMs], [undefined, undefined, {}]);
    assert.equal(first.measures.peakMemoryMb!.median, 400);
    assert.match(comparisonText(comparison), /2 runs shared the machine: times are not compared/);
  });

  it('put the profiles side by side in text', async () => {
    const plan = planOf();
    const text = comparisonText(await compared(plan, await writeRuns(folder('text'), plan, waveOf)));
    assert.match(text, /^arc +first +second$/m);
    assert.match(text, /^ATE, m +0\.01\d+ \(0\.00\d+ to 0\.0\d+\) +0\.03\d+ \(0\.0\d+ to 0\.0\d+\), 2\.\d+ x$/m);
    assert.match(text, /^model files read, kB +500 +500, 1 x$/m);
    assert.match(text, /^update operator, ms +50 +50$/m);
    assert.match(text, /^BEYOND: second against first: median ATE/m);
  });

  it('are the same bytes again, whatever was computed before', async () => {
    const plan = planOf();
    const runs = [await writeRun(folder('same'), { sequence: 'arc', profile: 'first', seed: 0 }, 0.01)];
    assert.equal(JSON.stringify(await compared(plan, runs)), JSON.stringify(await compared(plan, runs)));
  });
});

describe('arithmetic of a frame', () => {
  const work = { width: 64, height: 32, patches: 10, pairs: 6, sources: 3 };

  it('counts each tensor at the places where it is used', () => {
    const shapes = new Map([
      ['patchify.fnet.conv1.weight', [4, 1, 7, 7]],
      ['patchify.fnet.conv1.bias', [4]],
      ['patchify.fnet.layer1.0.conv1.weight', [3, 4, 3, 3]],
      ['patchify.fnet.layer2.0.downsample.0.weight', [8, 4, 1, 1]],
      ['patchify.fnet.conv2.weight', [16, 8, 1, 1]],
      ['patchify.inet.conv2.weight', [32, 8, 1, 1]],
    ]);
    assert.equal(featureEncoderMac(shapes, work), (196 + 108) * 512 + 32 * 128 + 128 * 128);
    assert.equal(contextEncoderMac(shapes, work), 256 * 10);
    const update = new Map([
      ['update.corr.0.weight', [5, 882]],
      ['update.norm.weight', [8]],
      ['update.agg_kk.h.weight', [8, 5]],
      ['update.agg_ij.h.weight', [8, 7]],
    ]);
    assert.equal(updateMac(update, work), 5 * 882 * 60 + 40 * 30 + 56 * 6);
  });

  it('of small with the usual pairs is that of the tables: encoders 3.3, update 4.5, correlation 0.9 GMAC', () => {
    const gmac = macPerFrame(contender('any'), sequence('any'), 247) / 1e9;
    assert.ok(Math.abs(gmac - 8.7) < 0.2, `${gmac}`);
    const twice = macPerFrame(contender('any', { updatesPerFrame: 2 }), sequence('any'), 247) / 1e9;
    assert.ok(Math.abs(twice - gmac - 5.4) < 0.2, `${twice}`);
    const half = macPerFrame(contender('any', { networkScale: 0.5 }), sequence('any'), 247) / 1e9;
    assert.ok(half < gmac - 2.3, `${half}`);
  });
});
