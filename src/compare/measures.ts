// SPDX-License-Identifier: MIT
import { rectifiedCamera } from '../camera/RectifiedCamera.ts';
import { contextEncoderMac, correlationMac, featureEncoderMac, updateMac } from '../network/networkMacs.ts';
import { maxSources } from '../odometry/windows.ts';
import type { RunSummary } from '../outputs/RunSummary.ts';
import type { ComparedSequence, Contender, ErrorUnit } from './Comparison.ts';

/** What is compared, in the order in which it is shown. */
export const MEASURES = {
  error: { title: 'ATE', unit: 'm' },
  rpeM: { title: 'RPE over 1 s', unit: 'm' },
  rpeDeg: { title: 'RPE over 1 s', unit: 'deg' },
  trackedPercent: { title: 'tracked', unit: '%' },
  losses: { title: 'segments after a loss', unit: '' },
  fps: { title: 'frames/s', unit: '' },
  latencyP50Ms: { title: 'latency p50', unit: 'ms' },
  latencyP99Ms: { title: 'latency p99', unit: 'ms' },
  peakMemoryMb: { title: 'peak memory', unit: 'MB' },
  modelKb: { title: 'model files read', unit: 'kB' },
  gmacPerFrame: { title: 'networks and correlation', unit: 'GMAC/frame' },
} as const satisfies Record<string, { title: string; unit: string }>;

export type MeasureName = keyof typeof MEASURES;
export const MEASURE_NAMES = Object.keys(MEASURES) as MeasureName[];

/** "ATE, m"; without ground truth the error is a difference between trajectories. */
export function measureTitle(name: MeasureName, errorUnit: ErrorUnit): string {
  if (name === 'error' && errorUnit !== 'm') return `difference in trajectory, ${errorUnit}`;
  const { title, unit } = MEASURES[name];
  return unit === '' ? title : `${title}, ${unit}`;
}

/**
 * What a summary says, apart from the trajectory.
 *
 * @param isTimed whether the run had the machine for itself
 */
export function measuresOf(
  summary: RunSummary,
  contender: Contender,
  sequence: ComparedSequence,
  isTimed: boolean,
): Partial<Record<MeasureName, number>> {
  const { frames, tracked, segments, fps, latencyMs, peakRssMb } = summary;
  return {
    trackedPercent: frames > 0 ? (100 * tracked) / frames : 0,
    losses: Math.max(0, segments.length - 1),
    ...(isTimed ? { fps, latencyP50Ms: latencyMs.p50, latencyP99Ms: latencyMs.p99 } : {}),
    peakMemoryMb: peakRssMb,
    modelKb: contender.files.reduce((sum, { bytes }) => sum + bytes, 0) / 1000,
    gmacPerFrame: macPerFrame(contender, sequence, summary.pairs) / 1e9,
  };
}

/** Both encoders over the whole image, and correlation and update operator with a run's median number of frame pairs, whatever a runtime spares. */
export function macPerFrame(
  { parameters, manifest, shapes }: Contender,
  sequence: ComparedSequence,
  pairs: number,
): number {
  const { width, height } = rectifiedCamera(sequence.calibration, parameters.networkScale);
  const { patchesPerFrame: patches, updatesPerFrame } = parameters;
  // Every source meets at least itself, so there are no more sources than pairs.
  const work = { width, height, patches, pairs, sources: Math.min(maxSources(parameters), pairs) };
  const once = featureEncoderMac(shapes, work) + contextEncoderMac(shapes, work);
  return once + updatesPerFrame * (correlationMac(manifest.sizes, work) + updateMac(shapes, work));
}
