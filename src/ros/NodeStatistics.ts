// SPDX-License-Identifier: MIT
import type { FinalPose } from '../odometry/types.ts';

/** Latencies that percentiles are taken over. */
const RECENT = 256;

/** Counts since the node was configured, and the newest latencies. Fixed memory. */
export class NodeStatistics {
  received = 0;
  processed = 0;
  dropped = 0;
  /** Received, but neither processed nor dropped: unusable, or not wanted (paused, waiting). */
  skipped = 0;
  /** Among the poses that no later image will change. */
  keyframes = 0;
  /** Way of base_link, metres (segment units while the scale is unknown). */
  distance = 0;
  readonly #latenciesMs = new Float64Array(RECENT);
  #latencies = 0;
  #lastLatencyMs: number | undefined;
  #sinceReport = 0;
  #faultsSinceReport = 0;
  #lastFault = '';

  addResult(): void {
    this.processed++;
    this.#sinceReport++;
  }

  addFinal(poses: readonly FinalPose[]): void {
    this.keyframes += poses.filter(({ isKeyframe }) => isKeyframe).length;
  }

  addReceived(): void {
    this.received++;
  }

  addDropped(): void {
    this.dropped++;
  }

  addSkipped(): void {
    this.skipped++;
  }

  /** @param milliseconds from the stamp of the image to the publication of its odometry, by the node's clock; undefined when they do not belong together */
  addLatency(milliseconds: number | undefined): void {
    this.#lastLatencyMs = milliseconds;
    if (milliseconds === undefined) return;
    this.#latenciesMs[this.#latencies++ % RECENT] = milliseconds;
  }

  /** An image that could not be used at all. */
  addFault(reason: string): void {
    this.skipped++;
    this.#faultsSinceReport++;
    this.#lastFault = reason;
  }

  /** Undefined while stamps and clock are not of one time. */
  get lastLatencyMs(): number | undefined {
    return this.#lastLatencyMs;
  }

  /** Latency that this share of the newest ones does not exceed; 0 without any. */
  latencyMs(share: number): number {
    const sorted = this.#latenciesMs.slice(0, Math.min(this.#latencies, RECENT)).sort();
    return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0;
  }

  /** What came since the last call. */
  takeReport(): { processed: number; faults: number; lastFault: string } {
    const report = { processed: this.#sinceReport, faults: this.#faultsSinceReport, lastFault: this.#lastFault };
    this.#sinceReport = 0;
    this.#faultsSinceReport = 0;
    return report;
  }
}
