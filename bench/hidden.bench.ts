// SPDX-License-Identifier: MIT
// Range of the hidden state over 2,000 images of a recording played forth and back, in fp32 and in int8: it must neither drift nor hold a NaN.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { settleCalibration, settleParameters } from '../src/cli/settleRun.ts';
import { readProfile } from '../src/config/readProfile.ts';
import { ComposedNetwork } from '../src/network/ComposedNetwork.ts';
import { readManifest } from '../src/network/manifest.ts';
import { findModelFolder } from '../src/network/modelFolder.ts';
import { PatchOdometry } from '../src/odometry/PatchOdometry.ts';
import { packageRoot } from '../src/packageRoot.ts';
import { openSource } from '../src/sources/openSource.ts';
import { benchmark } from './benchmark.ts';
import { driftOf, type HiddenRange, rangeOf } from './hidden/HiddenRange.ts';
import { rangePicture } from './hidden/rangePicture.ts';
import { writeLoopedRecording } from './loopedRecording.ts';
import { mh05, type Recording } from './recordings.ts';
import { atLeast, atMost, plain, targetTable } from './targets.ts';

const PROFILES = ['cpu_fp32', 'cpu_int8'];
const FRAMES = 2000;
/** Of the greatest magnitude, from the second quarter of the run to the last. */
const MOST_DRIFT = 1.1;
/** Every so many images are written to the result file. */
const EVERY = 10;

interface Run {
  profile: string;
  ranges: HiddenRange[];
  tracking: number;
}

await benchmark('hidden', async ({ frames = FRAMES }) => {
  const recording = await mh05();
  if (recording === undefined) return undefined;
  const folder = await mkdtemp(join(tmpdir(), 'qpvo-hidden-'));
  try {
    await writeLoopedRecording(folder, recording, recording.images, frames);
    const runs: Run[] = [];
    for (const profile of PROFILES) runs.push(await follow(folder, profile));
    const picture = join(packageRoot(), 'docs', 'images', 'hidden-range.png');
    await writeFile(picture, await draw(runs, recording));
    console.log(`written: ${picture}`);
    return { recording: recording.name, frames, every: EVERY, runs: runs.map(summaryOf) };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

/** One run of the odometry, the hidden state looked at after the last update of every image. */
async function follow(folder: string, name: string): Promise<Run> {
  const profile = readProfile(name);
  const modelDir = findModelFolder(profile.model);
  const manifest = readManifest(modelDir);
  const parameters = settleParameters(profile, manifest, [], undefined);
  const perPair = parameters.patchesPerFrame * manifest.sizes.hiddenDim;
  const source = await openSource(folder);
  const calibration = await settleCalibration(source, undefined);
  const { runtime, precision } = profile;
  let written: Float32Array = new Float32Array(0);
  const { update } = ComposedNetwork.prototype;
  ComposedNetwork.prototype.update = async function (batch) {
    await update.call(this, batch);
    written = batch.hiddenOut.subarray(0, perPair * batch.count);
  };
  const odometry = await PatchOdometry.create({ calibration, modelDir, parameters, runtime, precision });
  const ranges: HiddenRange[] = [];
  let tracking = 0;
  try {
    for await (const item of source.frames()) {
      if ('fault' in item) continue;
      const { state } = await odometry.track(item);
      ranges.push(rangeOf(written));
      if (state === 'TRACKING' || state === 'DEGRADED') tracking++;
    }
  } finally {
    ComposedNetwork.prototype.update = update;
    await odometry.close();
    await source.close();
  }
  return { profile: name, ranges, tracking };
}

function summaryOf({ profile, ranges, tracking }: Run): object {
  const peak = driftOf(ranges.map((range) => range.peak));
  const rms = driftOf(ranges.map((range) => range.rms));
  const bad = ranges.reduce((sum, range) => sum + range.bad, 0);
  const numbers = [
    atMost('values that are not finite', bad, 0, ''),
    atMost('greatest magnitude, last quarter / second', peak.ratio, MOST_DRIFT, ''),
    atMost('rms, last quarter / second', rms.ratio, MOST_DRIFT, ''),
    atLeast('images tracked', tracking / ranges.length, 0.95, ''),
    plain('greatest magnitude of all', Math.max(...ranges.map((range) => range.peak)), ''),
  ];
  console.log(`\n${profile}\n\n${targetTable(numbers)}`);
  const kept = ranges.filter((_, n) => n % EVERY === 0);
  const round = (value: number): number => Number(value.toPrecision(5));
  return {
    profile,
    numbers,
    peak: kept.map((range) => round(range.peak)),
    rms: kept.map((range) => round(range.rms)),
  };
}

/** Greatest magnitude and rms of every run over time. */
function draw(runs: readonly Run[], recording: Recording): Promise<Buffer> {
  const series = runs.flatMap(({ profile, ranges }, n) => {
    const x = ranges.map((_, k) => k * recording.periodS);
    return [
      { name: `${profile} peak`, className: `s${2 * n}`, x, y: ranges.map(({ peak }) => peak) },
      { name: `${profile} rms`, className: `s${2 * n + 1}`, x, y: ranges.map(({ rms }) => rms) },
    ];
  });
  const durationS = Math.max(...runs.map(({ ranges }) => ranges.length)) * recording.periodS;
  return rangePicture(durationS, 'hidden state', series);
}
