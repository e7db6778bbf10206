// SPDX-License-Identifier: MIT
import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks';

/** A timer this often, milliseconds: what it is late by is the delay of the event loop. */
const INTERVAL_MS = 10;

/** How long the event loop lets others wait: what delays every callback of the node, and so its topics and services. */
export class LoopDelay {
  #histogram: IntervalHistogram | undefined;

  start(): void {
    if (this.#histogram !== undefined) return;
    this.#histogram = monitorEventLoopDelay({ resolution: INTERVAL_MS });
    this.#histogram.enable();
  }

  stop(): void {
    this.#histogram?.disable();
    this.#histogram = undefined;
  }

  /** Percentile since the last call, milliseconds; 0 while it is not measured. */
  takeP99Ms(): number {
    const histogram = this.#histogram;
    if (histogram === undefined || histogram.count === 0) return 0;
    const delayMs = Math.max(0, histogram.percentile(99) / 1e6 - INTERVAL_MS);
    histogram.reset();
    return delayMs;
  }
}
