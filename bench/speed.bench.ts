// SPDX-License-Identifier: MIT
// Frames per second, latency and memory end to end at full and half resolution; every stage against its floor on this machine.
import { rectifiedCamera } from '../src/camera/RectifiedCamera.ts';
import { settleParameters } from '../src/cli/settleRun.ts';
import { readProfile } from '../src/config/readProfile.ts';
import { readManifest } from '../src/network/manifest.ts';
import { findModelFolder } from '../src/network/modelFolder.ts';
import { maxSources } from '../src/odometry/windows.ts';
import { openSource } from '../src/sources/openSource.ts';
import { type BenchOptions, benchmark } from './benchmark.ts';
import { type Ceilings, measureCeilings } from './ceilings.ts';
import { type CliRun, runCli } from './cliRun.ts';
import { bookkeepingMs, type FrameRecord, framesWithPose } from './FrameRecord.ts';
import { excerpt, mh05, type Recording } from './recordings.ts';
import type { FrameWork } from './stageCosts.ts';
import { stageRows, stageText } from './stageTable.ts';
import { medianOf, quantileOf } from './statistics.ts';
import { atLeast, atMost, type Judged, plain, targetTable } from './targets.ts';

const PROFILE = 'cpu_fp32';
const SEED = 0;
const CASES = [
  { networkScale: 1, leastFps: 6 },
  { networkScale: 0.5, leastFps: 8 },
];
/** Correlation and bundle adjustment in plain torch operations, half resolution: 68 + 29 ms. At least four times faster is wanted. */
const PROTOTYPE_CORRELATE_AND_ADJUST_MS = 97;
const WANTED_SPEEDUP = 4;

await benchmark('speed', async ({ frames }) => {
  const recording = await mh05();
  if (recording === undefined) return undefined;
  const ceilings = await measureCeilings();
  console.log(
    `ceilings: ${ceilings.gflops.toFixed(1)} GFLOP/s fp32 on ${ceilings.threads} threads, ${ceilings.gbPerS.toFixed(1)} GB/s`,
  );
  const runs = [];
  for (const { networkScale, leastFps } of CASES)
    runs.push(await measure(recording, networkScale, leastFps, frames, ceilings));
  return { recording: recording.name, stride: 1, profile: PROFILE, seed: SEED, ceilings, runs };
});

async function measure(
  recording: Recording,
  networkScale: number,
  leastFps: number,
  limit: BenchOptions['frames'],
  ceilings: Ceilings,
): Promise<object> {
  const set = [`networkScale=${networkScale}`];
  const { args } = excerpt(recording, limit);
  const options = ['--profile', PROFILE, '--set', set[0]!, '--seed', `${SEED}`, '--no-report'];
  const run = await runCli({ args: [...args, ...options] });
  const steady = framesWithPose(run.frames);
  const work = await workOf(recording, set, steady);
  const stages = stageRows(steady, run.summary.stagesMs.wait ?? 0, work, ceilings);
  const numbers = numbersOf(run, steady, networkScale, leastFps);
  const { width, height, pairs } = work;
  console.log(
    `\nnetworkScale ${networkScale} (${width}x${height}), ${steady.length} frames with a pose, ${pairs} pairs (median)\n`,
  );
  console.log(`${targetTable(numbers)}\n\n${stageText(stages)}`);
  return { networkScale, width, height, pairs, framesWithPose: steady.length, numbers, stages };
}

function numbersOf(
  { summary, frames }: CliRun,
  steady: readonly FrameRecord[],
  scale: number,
  leastFps: number,
): Judged[] {
  const [first, last] = [steady[0], steady.at(-1)];
  const spanMs = first && last ? last.atMs - first.atMs : Number.NaN;
  const latencies = steady.map(({ latencyMs }) => latencyMs);
  const correlateAndAdjust = steady.map(({ stagesMs }) => (stagesMs.correlate ?? 0) + (stagesMs.bundleAdjust ?? 0));
  const pairMs = medianOf(correlateAndAdjust);
  return [
    atLeast('frames per second, all frames', summary.fps, leastFps, '1/s'),
    atLeast('frames per second, after the first pose', (1000 * (steady.length - 1)) / spanMs, leastFps, '1/s'),
    plain('latency p50', quantileOf(latencies, 0.5), 'ms'),
    plain('latency p95', quantileOf(latencies, 0.95), 'ms'),
    plain('latency p99', quantileOf(latencies, 0.99), 'ms'),
    scale === 0.5
      ? atMost('correlation + bundle adjustment', pairMs, PROTOTYPE_CORRELATE_AND_ADJUST_MS / WANTED_SPEEDUP, 'ms')
      : plain('correlation + bundle adjustment', pairMs, 'ms'),
    atMost('bookkeeping in TypeScript, median', medianOf(steady.map(bookkeepingMs)), 1, 'ms'),
    plain(
      'processor time per frame',
      ((last?.cpuMs ?? 0) - (first?.cpuMs ?? 0)) / Math.max(1, steady.length - 1),
      'ms',
    ),
    atMost('peak memory', summary.peakRssMb, 700, 'MB'),
    plain('frames', frames.length, ''),
  ];
}

/** The work of a median frame, counted from the sizes. */
async function workOf(
  recording: Recording,
  set: readonly string[],
  steady: readonly FrameRecord[],
): Promise<FrameWork> {
  const profile = readProfile(PROFILE);
  const manifest = readManifest(findModelFolder(profile.model));
  const parameters = settleParameters(profile, manifest, set, undefined);
  const source = await openSource(recording.path);
  const calibration = source.calibration!;
  await source.close();
  const camera = rectifiedCamera(calibration, parameters.networkScale);
  const busy = steady.filter(({ pairs }) => pairs > 0);
  return {
    sizes: manifest.sizes,
    width: camera.width,
    height: camera.height,
    recordedWidth: calibration.width,
    recordedHeight: calibration.height,
    supersamples: Math.ceil(1 / camera.scale - 1e-9) ** 2,
    patches: parameters.patchesPerFrame,
    pairs: Math.round(medianOf(busy.map(({ pairs }) => pairs))),
    sources: maxSources(parameters),
    targets: Math.round(medianOf(busy.map(({ targets }) => targets))),
    freePoses: parameters.optimizationWindow,
    bundleAdjustIterations: parameters.bundleAdjustIterations,
  };
}
