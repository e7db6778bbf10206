// SPDX-License-Identifier: MIT
// Frames per second, latency, host time and memory of the whole pipeline on the GPU, per profile, beside the CPU; skipped where there is no GPU.
import { gpuOffer } from '../src/config/gpuOffer.ts';
import { type Machine, runnableProfiles, thisMachine } from '../src/config/profileObstacle.ts';
import { readProfile } from '../src/config/readProfile.ts';
import type { GpuReport } from '../src/native/addon.ts';
import { gpuProbe } from '../src/native/gpuProbe.ts';
import { type BenchOptions, benchmark } from './benchmark.ts';
import { runCli } from './cliRun.ts';
import { type FrameRecord, framesWithPose, hostMs } from './FrameRecord.ts';
import { hasEngines } from './recordingEngines.ts';
import { demo, excerpt, mh05, type Recording } from './recordings.ts';
import { medianOf, quantileOf } from './statistics.ts';
import { atMost, type Judged, plain, targetTable } from './targets.ts';

/** The processor's profile of the same windows as the GPU profile, for the ratio. */
const BESIDE: Readonly<Record<string, string>> = {
  desktop_fp16: 'cpu_fp32_default',
  desktop_int8: 'cpu_fp32_default',
  orin_fp16: 'cpu_fp32',
  orin_fp16_tensorrt: 'cpu_fp32',
  orin_int8: 'cpu_int8',
  orin_int8_tensorrt: 'cpu_int8',
};
const DEFAULT_WINDOWS = ['desktop_fp16', 'desktop_int8'];
/** MB on the GPU, by windows. */
const MOST_MB = { default: 700, fast: 400 };
const MOST_HOST_MS = 0.3;
const MOST_P99_OVER_P50 = 1.3;
const SEED = 0;
/** Frames of the CPU runs, which only give a ratio. */
const CPU_FRAMES = 60;

interface ProfileRun {
  profile: string;
  frames: number;
  fps: number;
  latencyP50Ms: number;
  latencyP99Ms: number;
  waitP50Ms: number;
  hostP50Ms: number;
  gpuMb: number;
  rssMb: number;
}

await benchmark(
  'gpu',
  async ({ frames, values, save }) => {
    const probe = gpuProbe();
    const { obstacle, name } = gpuOffer(probe, '');
    if (obstacle !== '' || 'obstacle' in probe) {
      console.log(`*** SKIPPED: nothing was measured, because there is no GPU for qpvo here: ${obstacle}. ***`);
      return undefined;
    }
    const recording = (await mh05()) ?? (await demo());
    if (recording === undefined) return undefined;
    const machine = thisMachine();
    const profiles = measurable(machine, values.model);
    const results: object[] = [];
    for (const profile of profiles) {
      if (!(await hasEngines(profile, recording, values.model))) continue;
      const gpu = await measure(recording, profile, frames, values.model);
      const cpu = await measure(recording, BESIDE[profile]!, frames ?? CPU_FRAMES, values.model);
      const numbers = numbersOf(gpu, cpu);
      console.log(`\n${profile} on ${name}, ${gpu.frames} frames with a pose\n\n${targetTable(numbers)}`);
      results.push({ ...gpu, beside: cpu, numbers });
      await save(about(recording, probe.report, results));
    }
    return about(recording, probe.report, results);
  },
  { model: { type: 'string' } },
);

function about(recording: Recording, { driverVersion, runtimeVersion, devices }: GpuReport, runs: object[]): object {
  return { recording: recording.name, seed: SEED, device: devices[0], driverVersion, runtimeVersion, runs };
}

/** The profiles of GPUs that can run here; those that cannot are named. */
function measurable(machine: Machine, model: string | undefined): string[] {
  const able = runnableProfiles(machine, model);
  const wanted = Object.keys(BESIDE).filter((name) => readProfile(name).device === 'cuda');
  for (const name of wanted.filter((profile) => !able.includes(profile))) {
    console.log(`*** SKIPPED: ${name} cannot run here with this model; qpvo doctor says why. ***`);
  }
  return wanted.filter((name) => able.includes(name));
}

async function measure(
  recording: Recording,
  profile: string,
  limit: BenchOptions['frames'],
  model: string | undefined,
): Promise<ProfileRun> {
  const { args } = excerpt(recording, limit);
  const chosen = ['--profile', profile, '--seed', `${SEED}`, '--no-report'];
  const run = await runCli({ args: [...args, ...chosen, ...(model === undefined ? [] : ['--model', model])] });
  const steady = framesWithPose(run.frames);
  const of = (value: (frame: FrameRecord) => number, share = 0.5) => quantileOf(steady.map(value), share);
  const [first, last] = [steady[0], steady.at(-1)];
  return {
    profile,
    frames: steady.length,
    fps: first && last ? (1000 * (steady.length - 1)) / (last.atMs - first.atMs) : Number.NaN,
    latencyP50Ms: of(({ latencyMs }) => latencyMs),
    latencyP99Ms: of(({ latencyMs }) => latencyMs, 0.99),
    waitP50Ms: medianOf(steady.map(({ opsMs }) => opsMs.readBack ?? 0)),
    hostP50Ms: of(hostMs),
    gpuMb: Math.max(0, ...run.frames.map(({ gpuMb }) => gpuMb)),
    rssMb: run.summary.peakRssMb,
  };
}

function numbersOf(gpu: ProfileRun, cpu: ProfileRun): Judged[] {
  const mostMb = DEFAULT_WINDOWS.includes(gpu.profile) ? MOST_MB.default : MOST_MB.fast;
  return [
    plain('frames per second, after the first pose', gpu.fps, '1/s'),
    plain(`times ${cpu.profile}`, gpu.fps / cpu.fps, ''),
    plain('latency p50', gpu.latencyP50Ms, 'ms'),
    plain('latency p99', gpu.latencyP99Ms, 'ms'),
    atMost('latency p99 over p50', gpu.latencyP99Ms / gpu.latencyP50Ms, MOST_P99_OVER_P50, ''),
    plain('wait for the GPU, median', gpu.waitP50Ms, 'ms'),
    atMost('host: bookkeeping and launches, median', gpu.hostP50Ms, MOST_HOST_MS, 'ms'),
    atMost('peak memory on the GPU, buffers', gpu.gpuMb, mostMb, 'MB'),
    plain('peak memory of the process', gpu.rssMb, 'MB'),
  ];
}
