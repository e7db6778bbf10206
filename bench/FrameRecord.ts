// SPDX-License-Identifier: MIT
import type { Stage, TrackingState } from '../src/odometry/types.ts';

/** What the probe says about one frame, from outside the odometry. */
export interface FrameRecord {
  /** When the result was there, wall clock, milliseconds since 1970. */
  atMs: number;
  state: TrackingState;
  skipped: boolean;
  hasPose: boolean;
  latencyMs: number;
  stagesMs: Partial<Record<Stage, number>>;
  /** Milliseconds in each native op, from the call to its return or settling. */
  opsMs: Record<string, number>;
  /** Frame pairs of the last bundle adjustment, 0 when there was none, and the target frames among them. */
  pairs: number;
  targets: number;
  /** Resident memory, MB (2^20 bytes). */
  rssMb: number;
  /** Processor time of the process so far, all threads. */
  cpuMs: number;
  /** Most that the process's buffers held on the GPU so far, MB (2^20 bytes). */
  gpuMb: number;
}

/** The frames from the first pose on: steady work. */
export function framesWithPose(frames: readonly FrameRecord[]): FrameRecord[] {
  const first = frames.findIndex(({ hasPose }) => hasPose);
  return first < 0 ? [] : frames.slice(first).filter(({ skipped }) => !skipped);
}

/** Milliseconds of a frame that the processor is at work for a GPU: all but the wait for it. */
export function hostMs({ latencyMs, opsMs }: FrameRecord): number {
  return latencyMs - (opsMs.readBack ?? 0);
}

/** Milliseconds of a frame outside native ops and networks: the work of TypeScript. */
export function bookkeepingMs({ latencyMs, opsMs, stagesMs }: FrameRecord): number {
  const native = Object.values(opsMs).reduce((sum, ms) => sum + ms, 0);
  return latencyMs - native - (stagesMs.encode ?? 0) - (stagesMs.update ?? 0);
}
