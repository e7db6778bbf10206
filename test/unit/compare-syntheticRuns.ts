// SPDX-License-Identifier: MIT
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type {
  ComparedRun,
  ComparedSequence,
  ComparisonPlan,
  Contender,
  PlannedRun,
} from '../../src/compare/Comparison.ts';
import { planRuns, runName } from '../../src/compare/planRuns.ts';
import { readProfile } from '../../src/config/readProfile.ts';
import { resolveParameters } from '../../src/config/resolveParameters.ts';
import { formatStampS } from '../../src/evaluation/stampText.ts';
import { readManifest } from '../../src/network/manifest.ts';
import { findModelFolder } from '../../src/network/modelFolder.ts';
import { encoderTensors, updateTensors } from '../../src/network/weights/expectedTensors.ts';
import type { StampedPose } from '../../src/odometry/Pose.ts';
import type { Vec3 } from '../../src/odometry/se3.ts';
import type { RunSummary } from '../../src/outputs/RunSummary.ts';

const FIRST_NS = 1_700_000_000_000_000_000n;
const STEP_NS = 50_000_000n;
const POSES = 81;

/** Metres, after k steps: an arc of about four metres. */
function placeAt(k: number): Vec3 {
  const angle = (k / POSES) * 3;
  return [2 * Math.cos(angle), 2 * Math.sin(angle), 0.2 * angle];
}

export const TRUTH: StampedPose[] = Array.from({ length: POSES }, (_, k) => ({
  stampNs: FIRST_NS + BigInt(k) * STEP_NS,
  t: placeAt(k),
  q: [0, 0, 0, 1],
}));

export function contender(name: string, parameters: Record<string, unknown> = {}): Contender {
  const manifest = readManifest(findModelFolder('small'));
  return {
    profile: { ...readProfile('cpu_fp32'), name, path: `${name}.yaml` },
    manifest,
    parameters: resolveParameters([{ origin: 'test', values: { ...manifest.windows, ...parameters } }]).values,
    shapes: new Map([...encoderTensors(manifest.sizes), ...updateTensors(manifest.sizes)]),
    files: [{ name: 'a.onnx', bytes: 500_000, sha256: '' }],
  };
}

export function sequence(name: string, groundTruth?: StampedPose[]): ComparedSequence {
  const calibration = {
    width: 752,
    height: 480,
    fx: 450,
    fy: 450,
    cx: 376,
    cy: 240,
    coefficients: [],
    origin: 'made up',
  };
  return { name, source: `/recordings/${name}`, calibration: { ...calibration, model: 'none' }, groundTruth };
}

export function planOf(parts: Partial<ComparisonPlan> = {}): ComparisonPlan {
  return {
    contenders: [contender('first'), contender('second')],
    sequences: [sequence('arc', TRUTH)],
    seeds: 3,
    jobs: 1,
    ...parts,
  };
}

export const SUMMARY: RunSummary = {
  source: 'arc',
  frames: 100,
  tracked: 90,
  lost: 10,
  skipped: 0,
  keyframes: 40,
  segments: [{ segment: 0, firstStampNs: '1', lastStampNs: '2', frames: 90, keyframes: 40 }],
  fps: 10,
  latencyMs: { p50: 100, p95: 120, p99: 140 },
  pairs: 247,
  stagesMs: { encode: 40, update: 50 },
  peakRssMb: 400,
  profile: 'first',
  model: 'small',
  seed: 0,
  incomplete: false,
  host: { cpu: 'x', cores: 2, memoryMb: 4000, os: 'Linux', node: 'v20' },
  version: '0.1.0',
};

/** A run whose trajectory is the arc, turned and scaled, with a wave across it. The error after alignment grows with the wave, metres. */
export async function writeRun(
  folder: string,
  planned: PlannedRun,
  waveM: number,
  summary: Partial<RunSummary> = {},
): Promise<ComparedRun> {
  const place = join(folder, runName(planned));
  await mkdir(place, { recursive: true });
  const lines = TRUTH.map(({ stampNs }, k) => {
    const [x, y, z] = placeAt(k);
    const wave = waveM * Math.sin(k * 0.9);
    return `${formatStampS(stampNs)} ${[0.5 * y, -0.5 * x, 0.5 * (z + wave)].join(' ')} 0 0 0 1\n`;
  });
  await writeFile(join(place, 'trajectory.tum'), `# segment 0\n${lines.join('')}`);
  return {
    ...planned,
    folder: place,
    summary: { ...SUMMARY, profile: planned.profile, seed: planned.seed, ...summary },
  };
}

/** All runs of a plan; `waveM` tells the error of each, undefined for a run that failed. */
export async function writeRuns(
  folder: string,
  plan: ComparisonPlan,
  waveM: (run: PlannedRun) => number | undefined,
): Promise<ComparedRun[]> {
  return Promise.all(
    planRuns(plan).map(async (planned) => {
      const wave = waveM(planned);
      if (wave !== undefined) return writeRun(folder, planned, wave);
      return { ...planned, folder: join(folder, runName(planned)), failure: 'out of <memory>' };
    }),
  );
}
