// SPDX-License-Identifier: MIT
import { slopeOf } from './statistics.ts';

/** How resident memory went over a run; megabytes are 2^20 bytes. */
export interface MemoryGrowth {
  /** Memory at chosen numbers of frames: 100, 250, 500, 1000, 2000, ..., and the last. */
  samples: { frames: number; rssMb: number }[];
  /** Means over 50 frames, from frame 100 and at the end. */
  early: number;
  late: number;
  /** Least-squares slope over the second half, MB per 1000 frames. */
  mbPer1000Frames: number;
}

const EARLY = 100;
const WINDOW = 50;

/** @param rssMb resident memory after each frame; more than 150 of them */
export function memoryGrowth(rssMb: readonly number[]): MemoryGrowth {
  const count = rssMb.length;
  const half = Math.floor(count / 2);
  const points = rssMb.slice(half).map((y, index) => ({ x: (half + index) / 1000, y }));
  return {
    samples: milestones(count).map((frames) => ({ frames, rssMb: rssMb[frames - 1]! })),
    early: mean(rssMb.slice(EARLY, EARLY + WINDOW)),
    late: mean(rssMb.slice(-WINDOW)),
    mbPer1000Frames: slopeOf(points),
  };
}

function milestones(count: number): number[] {
  const thousands = Array.from({ length: Math.floor(count / 1000) }, (_, index) => 1000 * (index + 1));
  return [...new Set([...[100, 250, 500].filter((frames) => frames < count), ...thousands, count])];
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
