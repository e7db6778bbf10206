// SPDX-License-Identifier: MIT
import type { RunSummary } from '../outputs/RunSummary.ts';

const NO_POSE =
  'No frame got a pose: initialisation needs several frames in which the camera moves sideways past a textured scene (docs/parameters.md).';

/** The closing words of a run, for people. */
export function summaryText(summary: RunSummary, files: readonly string[]): string {
  const { latencyMs, ate } = summary;
  const rows: [string, string][] = [
    ['frames', framesText(summary)],
    ['keyframes', `${summary.keyframes} in ${segmentsText(summary)}`],
    ['speed', `${summary.fps.toFixed(2)} frames/s`],
    ['latency', `p50 ${ms(latencyMs.p50)}, p95 ${ms(latencyMs.p95)}, p99 ${ms(latencyMs.p99)}`],
    ['stages', stagesText(summary)],
    ['memory', `${summary.peakRssMb.toFixed(0)} MB at most`],
    ...(ate === undefined ? [] : [['ATE', ateText(ate)] as [string, string]]),
    ['settings', `profile ${summary.profile}, model ${summary.model}, seed ${summary.seed}`],
  ];
  const head = [
    ...(summary.incomplete ? ['The run is incomplete: it ended before the end of the recording.'] : []),
    ...(summary.tracked === 0 && summary.frames > 0 ? [noPoseText(summary)] : []),
  ];
  const body = rows.map(([name, value]) => `  ${name.padEnd(10)} ${value}`);
  const written = files.length === 0 ? [] : ['Written:', ...files.map((file) => `  ${file}`)];
  return [...head, `Summary of ${summary.source}`, ...body, ...written].join('\n');
}

function noPoseText({ frames, skipped, skipReason }: RunSummary): string {
  if (skipReason === undefined || 2 * skipped <= frames) return NO_POSE;
  return `No frame got a pose: ${skipped} of ${frames} images were skipped, most of them like this: ${skipReason}`;
}

function framesText({ frames, tracked, lost, skipped, dropped }: RunSummary): string {
  const parts = [`${tracked} tracked`, `${lost} lost`, `${skipped} skipped`];
  if (dropped !== undefined) parts.push(`${dropped} dropped`);
  return `${frames} (${parts.join(', ')})`;
}

function segmentsText({ segments }: RunSummary): string {
  return segments.length === 1 ? '1 segment' : `${segments.length} segments`;
}

function stagesText({ stagesMs }: RunSummary): string {
  const parts = Object.entries(stagesMs).map(([stage, median]) => `${stage} ${median.toFixed(1)}`);
  return parts.length === 0 ? '-' : `${parts.join(', ')} ms (medians)`;
}

function ateText(ate: NonNullable<RunSummary['ate']>): string {
  const alignment = ate.alignment === 'sim3' ? 'Sim(3)' : 'SE(3)';
  return `${ate.rmseM.toFixed(4)} m RMSE over ${ate.poses} poses, ${alignment} alignment`;
}

function ms(value: number): string {
  return `${value.toFixed(1)} ms`;
}
