// SPDX-License-Identifier: MIT
import type { TrackingState } from '../../odometry/types.ts';
import type { FrameSample } from './RunRecord.ts';

/** A stretch of frames in the same state and segment. */
export interface StateRun {
  state: TrackingState;
  segment: number;
  fromS: number;
  /** Time of the first frame after it. */
  toS: number;
  frames: number;
  /** The reason given first; empty when none was. */
  reason: string;
}

/** @param samples in the order of time; @param endS end of the last run */
export function stateRuns(samples: readonly FrameSample[], endS: number): StateRun[] {
  const runs: StateRun[] = [];
  for (const sample of samples) {
    const last = runs.at(-1);
    if (last?.state === sample.state && last.segment === sample.segment) {
      last.frames++;
      last.reason ||= sample.reason;
      continue;
    }
    if (last) last.toS = sample.atS;
    const { state, segment, atS, reason } = sample;
    runs.push({ state, segment, fromS: atS, toS: endS, frames: 1, reason });
  }
  return runs;
}
