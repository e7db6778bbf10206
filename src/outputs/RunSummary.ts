// SPDX-License-Identifier: MIT
import type { Stage } from '../odometry/types.ts';

export interface Percentiles {
  p50: number;
  p95: number;
  p99: number;
}

export interface SegmentSummary {
  segment: number;
  firstStampNs: string;
  lastStampNs: string;
  frames: number;
  keyframes: number;
}

/** The summary of a run: printed, written by --json, and shown in the report. */
export interface RunSummary {
  source: string;
  frames: number;
  /** Frames with a final pose. */
  tracked: number;
  /** Frames without a pose: before the first initialisation, or lost. */
  lost: number;
  /** Frames that could not be used: damaged image, stamp that repeats or goes back. */
  skipped: number;
  /** The reason that most of the skipped frames had, in the words of the first of them; absent when none was skipped. */
  skipReason?: string;
  /** Frames given up because newer ones had come; present in a live run. */
  dropped?: number;
  keyframes: number;
  segments: SegmentSummary[];
  fps: number;
  latencyMs: Percentiles;
  /** Median of the frame pairs of an update, over the frames that had one; 0 when none had. */
  pairs: number;
  /** Median milliseconds per frame by stage. */
  stagesMs: Partial<Record<Stage, number>>;
  peakRssMb: number;
  /** Present when the source has ground truth. */
  ate?: { rmseM: number; alignment: 'sim3' | 'se3'; poses: number };
  profile: string;
  model: string;
  seed: number;
  /** True when the run was ended by Ctrl-C or by a damaged source before its end. */
  incomplete: boolean;
  host: { cpu: string; cores: number; memoryMb: number; os: string; node: string };
  version: string;
}
