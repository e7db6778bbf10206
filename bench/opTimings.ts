// SPDX-License-Identifier: MIT
import { table } from '../src/compare/textTable.ts';
import { type Ceilings, floorOf } from './ceilings.ts';
import type { Cost } from './stageCosts.ts';
import { medianOf } from './statistics.ts';

/** An op to be timed alone. */
export interface TimedOp {
  name: string;
  run(): unknown;
  /** Puts back what the run changes; not timed. */
  before?(): void;
  /** What it costs at least, where that was counted. */
  cost?: Cost;
}

export interface OpTiming {
  name: string;
  minMs: number;
  medianMs: number;
  gflops?: number;
  gbPerS?: number;
  /** Measured / floor on all cores. */
  ratio?: number;
}

const WARM_UP = 2;

export async function timeOp(op: TimedOp, repetitions: number, ceilings: Ceilings): Promise<OpTiming> {
  const timesMs: number[] = [];
  for (let k = -WARM_UP; k < repetitions; k++) {
    op.before?.();
    const start = performance.now();
    await op.run();
    if (k >= 0) timesMs.push(performance.now() - start);
  }
  const minMs = Math.min(...timesMs);
  const medianMs = medianOf(timesMs);
  const { name, cost } = op;
  if (cost === undefined) return { name, minMs, medianMs };
  const gflops = (2 * cost.mac) / medianMs / 1e6;
  const gbPerS = cost.bytes / medianMs / 1e6;
  return { name, minMs, medianMs, gflops, gbPerS, ratio: medianMs / floorOf(cost, ceilings).ms };
}

export function timingTable(timings: readonly OpTiming[]): string {
  return table(
    ['', 'least ms', 'median ms', 'GFLOP/s', 'GB/s', 'measured / floor'],
    timings.map(({ name, minMs, medianMs, gflops, gbPerS, ratio }) => [name, minMs, medianMs, gflops, gbPerS, ratio]),
  );
}
