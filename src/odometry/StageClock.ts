// SPDX-License-Identifier: MIT
import { performance } from 'node:perf_hooks';
import type { Stage } from './types.ts';

/** Adds up the time of one frame by stage, milliseconds. */
export class StageClock {
  readonly startMs = performance.now();
  readonly stagesMs: Partial<Record<Stage, number>> = {};

  async time<T>(stage: Stage, work: () => Promise<T> | T): Promise<T> {
    const from = performance.now();
    const result = await work();
    this.stagesMs[stage] = (this.stagesMs[stage] ?? 0) + performance.now() - from;
    return result;
  }

  get totalMs(): number {
    return performance.now() - this.startMs;
  }
}
