// SPDX-License-Identifier: MIT
// Trajectory error over five seeds against the ground truth at the camera, compared with the torch prototype; every frame accounted for.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TrackingState } from '../src/odometry/types.ts';
import { packageRoot } from '../src/packageRoot.ts';
import { benchmark } from './benchmark.ts';
import { type CliRun, runCli } from './cliRun.ts';
import { demo, excerpt, mh05, type Recording } from './recordings.ts';
import { medianOf } from './statistics.ts';
import { table } from './table.ts';
import { atLeast, atMost, type Judged, notJudged, plain, targetTable } from './targets.ts';

const SEEDS = [0, 1, 2, 3, 4];
const HALF = 'cpu_fp32_half';
const FULL = 'cpu_fp32';

interface Case {
  recording: Recording;
  stride: number;
  profile: string;
  /** Median ATE of the prototype at this resolution, where there is one. */
  prototypeM: number | undefined;
}

interface SeedResult {
  seed: number;
  ateRmseM: number | undefined;
  images: number;
  consumed: number;
  tracked: number;
  skipped: number;
  segments: number;
  states: Partial<Record<TrackingState, number>>;
}

await benchmark('accuracy', async ({ frames, full }) => {
  const cases = await listCases(full);
  if (cases.length === 0) return undefined;
  const results = [];
  for (const entry of cases) results.push(await measure(entry, frames));
  return { alignment: 'sim3', cases: results };
});

async function listCases(full: boolean): Promise<Case[]> {
  const cases: Case[] = [];
  const flight = await mh05();
  if (flight !== undefined) {
    for (const stride of [1, 2]) {
      cases.push({ recording: flight, stride, profile: HALF, prototypeM: await prototypeMedianM(stride) });
      if (full) cases.push({ recording: flight, stride, profile: FULL, prototypeM: undefined });
    }
  }
  const rendered = await demo();
  if (rendered !== undefined) cases.push({ recording: rendered, stride: 1, profile: HALF, prototypeM: undefined });
  return cases;
}

/** Of the prototype at half resolution on the whole recording. */
async function prototypeMedianM(stride: number): Promise<number> {
  const file = join(packageRoot(), 'bench', 'results', 'prototype_baseline.json');
  const baseline = JSON.parse(await readFile(file, 'utf8')) as Record<string, { ateRmseM: { median: number } }>;
  return baseline[`stride${stride}`]!.ateRmseM.median;
}

async function measure({ recording, stride, profile, prototypeM }: Case, limit: number | undefined): Promise<object> {
  const { images, args } = excerpt(recording, limit, stride);
  const seeds: SeedResult[] = [];
  for (const seed of SEEDS) {
    seeds.push(
      seedResult(
        seed,
        images,
        await runCli({ args: [...args, '--profile', profile, '--seed', `${seed}`, '--no-report'] }),
      ),
    );
  }
  const isWhole = limit === undefined || limit >= recording.images;
  const numbers = numbersOf(seeds, prototypeM).map((row) => (isWhole || row.unit !== 'm' ? row : notJudged(row)));
  console.log(`\n${recording.name}, stride ${stride}, ${profile}, ${images} images\n`);
  console.log(`${seedTable(seeds)}\n\n${targetTable(numbers)}`);
  return { recording: recording.name, stride, profile, images, prototypeM, numbers, seeds };
}

function seedResult(seed: number, images: number, { frames, summary }: CliRun): SeedResult {
  const states: SeedResult['states'] = {};
  for (const { state } of frames) states[state] = (states[state] ?? 0) + 1;
  const { tracked, skipped, segments } = summary;
  return {
    seed,
    ateRmseM: summary.ate?.rmseM,
    images,
    consumed: summary.frames,
    tracked,
    skipped,
    segments: segments.length,
    states,
  };
}

function numbersOf(seeds: readonly SeedResult[], prototypeM: number | undefined): Judged[] {
  // A run without an error to speak of (it never tracked) is worse than any.
  const ates = seeds.map(({ ateRmseM }) => ateRmseM ?? Number.POSITIVE_INFINITY);
  const median = medianOf(ates);
  const shares = seeds.map(({ tracked, images }) => tracked / images);
  const consumed = seeds.map((run) => (run.consumed - run.skipped) / run.images);
  return [
    prototypeM === undefined ? plain('ATE, median', median, 'm') : atMost('ATE, median', median, prototypeM, 'm'),
    plain('ATE, least', Math.min(...ates), 'm'),
    plain('ATE, greatest', Math.max(...ates), 'm'),
    atLeast('images consumed, least share', Math.min(...consumed), 1, ''),
    plain('images with a pose, least share', Math.min(...shares), ''),
  ];
}

function seedTable(seeds: readonly SeedResult[]): string {
  return table(
    ['seed', 'ATE m', 'consumed', 'with pose', 'segments', 'INITIALIZING', 'TRACKING', 'DEGRADED', 'LOST'],
    seeds.map(({ seed, ateRmseM, consumed, tracked, segments, states }) => [
      `${seed}`,
      ateRmseM ?? '-',
      `${consumed}`,
      `${tracked}`,
      `${segments}`,
      `${states.INITIALIZING ?? 0}`,
      `${states.TRACKING ?? 0}`,
      `${states.DEGRADED ?? 0}`,
      `${states.LOST ?? 0}`,
    ]),
  );
}
