// SPDX-License-Identifier: MIT
// How far live poses are off, how far off they say they are, and the constants of the pose covariance that make the two agree.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { settleParameters } from '../src/cli/settleRun.ts';
import { table } from '../src/compare/textTable.ts';
import { readProfile } from '../src/config/readProfile.ts';
import { readManifest } from '../src/network/manifest.ts';
import { findModelFolder } from '../src/network/modelFolder.ts';
import type { UncertaintyModel } from '../src/ros/frames/uncertaintyModel.ts';
import { writeTartanFolder } from './accuracy/tartanSequence.ts';
import { benchmark } from './benchmark.ts';
import { type Consistency, consistency } from './covariance/consistency.ts';
import { type ErrorSample, errorSamples } from './covariance/errorSamples.ts';
import { fitModel } from './covariance/fitModel.ts';
import { livePoses } from './covariance/livePoses.ts';
import { isPresent, MH01, MH05, type RecordingPlace, TARTANAIR } from './recordings.ts';
import { atLeast, atMost, type Judged, plain, targetTable } from './targets.ts';

const PROFILE = 'cpu_fp32_half';
const SEEDS = '0,1';

/** What the constants are fitted on, and what they are only tried on. */
const RECORDINGS: { recording: RecordingPlace; isFitted: boolean }[] = [
  { recording: MH05, isFitted: true },
  { recording: MH01, isFitted: true },
  { recording: TARTANAIR, isFitted: false },
];

/** Bundle adjustment as it is, without growth. */
const RAW: UncertaintyModel = {
  inflation: 1,
  positionPerMetre: 0,
  rotationPerMetre: 0,
  positionFloor: 0,
  rotationFloor: 0,
  lossSpeed: 0,
};

interface Run {
  recording: string;
  seed: number;
  isFitted: boolean;
  samples: ErrorSample[];
}

const OPTIONS = { profile: { type: 'string' }, seeds: { type: 'string' } } as const;

await benchmark(
  'covariance',
  async ({ frames = Number.POSITIVE_INFINITY, values }) => {
    const profileName = values.profile ?? PROFILE;
    const seeds = (values.seeds ?? SEEDS).split(',');
    const runs: Run[] = [];
    for (const { recording, isFitted } of RECORDINGS.filter((entry) => isPresent(entry.recording))) {
      for (const seed of seeds) runs.push({ isFitted, ...(await measure(recording, profileName, seed, frames)) });
    }
    const fitted = runs.filter((run) => run.isFitted).flatMap(({ samples }) => samples);
    if (fitted.length === 0) return undefined;
    const model = fitModel(fitted);
    const all = consistency(fitted, model);
    const raw = consistency(fitted, RAW);
    const rows = runs.map((run) => ({ ...describe(run), ...consistency(run.samples, model) }));
    const horizons = [...new Set(fitted.map(({ horizon }) => horizon))].sort((a, b) => a - b);
    const byHorizon = horizons.map((horizon) => {
      const samples = fitted.filter((sample) => sample.horizon === horizon);
      const meanDistanceM = samples.reduce((sum, { distanceM }) => sum + distanceM, 0) / samples.length;
      return { horizon, meanDistanceM, ...consistency(samples, model) };
    });
    const numbers = numbersOf(model, all, raw);
    const named = rows.map((row) => ({ name: `${row.recording}, seed ${row.seed}`, ...row }));
    const ways = byHorizon.map((row) => ({ name: `${row.horizon} images, ${row.meanDistanceM.toFixed(2)} m`, ...row }));
    console.log(`\n${profileName}\n\n${consistencyTable([...named, ...ways])}\n\n${targetTable(numbers)}`);
    return { profile: profileName, model, numbers, fitted: all, raw, runs: rows, byHorizon };
  },
  OPTIONS,
);

async function measure(recording: RecordingPlace, profileName: string, seed: string, frames: number) {
  const profile = readProfile(profileName);
  const modelDir = resolve(findModelFolder(profile.model));
  const parameters = settleParameters(profile, readManifest(modelDir), [], seed);
  const { runtime, precision } = profile;
  const options = { modelDir, parameters, runtime, precision };
  const poses = await readable(recording, (path) => livePoses({ ...recording, path }, options, frames));
  const samples = errorSamples(poses);
  console.log(`${recording.name}, seed ${seed}: ${poses.length} live poses, ${samples.length} errors`);
  return { recording: recording.name, seed: Number(seed), samples };
}

/** TartanAir's own layout is brought into one that can be read for as long as the work lasts. */
async function readable<T>(recording: RecordingPlace, work: (path: string) => Promise<T>): Promise<T> {
  if (recording !== TARTANAIR) return work(recording.path);
  const folder = await mkdtemp(join(tmpdir(), 'qpvo-covariance-'));
  try {
    const path = join(folder, recording.name);
    await writeTartanFolder(path, recording.path);
    return await work(path);
  } finally {
    await rm(folder, { recursive: true });
  }
}

function describe({ recording, seed, isFitted }: Run) {
  return { recording, seed, isFitted };
}

/** The mean over the samples of the fit is 1 by its nature; what can fail is the shape: how many errors lie where 95 % should. */
function numbersOf(model: UncertaintyModel, all: Consistency, raw: Consistency): Judged[] {
  return [
    plain('inflation of the covariance', model.inflation, ''),
    plain('position per metre', model.positionPerMetre, 'm/m'),
    plain('rotation per metre', model.rotationPerMetre, 'rad/m'),
    plain('floor of the position', model.positionFloor, 'm'),
    plain('floor of the rotation', model.rotationFloor, 'rad'),
    plain('NEES / 3 of the position, raw', raw.position.mean, ''),
    plain('NEES / 3 of the rotation, raw', raw.rotation.mean, ''),
    atMost('NEES / 3 of the position', all.position.mean, 1.5, ''),
    atMost('NEES / 3 of the rotation', all.rotation.mean, 1.5, ''),
    atLeast('positions within 95 %', all.position.within95, 0.9, ''),
    atLeast('rotations within 95 %', all.rotation.within95, 0.9, ''),
  ];
}

function consistencyTable(rows: readonly (Consistency & { name: string })[]): string {
  return table(
    ['', 'errors', 'rms m', 'rms rad', 'NEES/3 m', 'NEES/3 rad', 'in 95 % m', 'in 95 % rad'],
    rows.map(({ name, samples, rmsM, rmsRad, position, rotation }) => [
      name,
      samples,
      rmsM,
      rmsRad,
      position.mean,
      rotation.mean,
      position.within95,
      rotation.within95,
    ]),
  );
}
