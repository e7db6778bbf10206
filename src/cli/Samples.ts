// SPDX-License-Identifier: MIT
import type { Percentiles } from '../outputs/RunSummary.ts';

/** Measured values of one kind, 4 bytes each. */
export class Samples {
  #values = new Float32Array(256);
  #count = 0;

  get count(): number {
    return this.#count;
  }

  add(value: number): void {
    if (this.#count === this.#values.length) {
      const grown = new Float32Array(2 * this.#count);
      grown.set(this.#values);
      this.#values = grown;
    }
    this.#values[this.#count++] = value;
  }

  /** The smallest value that at least this share of the values does not exceed (nearest rank); 0 without values. */
  quantile(share: number): number {
    return this.#nearestRank(this.#sorted(), share);
  }

  percentiles(): Percentiles {
    const sorted = this.#sorted();
    const [p50, p95, p99] = [0.5, 0.95, 0.99].map((share) => this.#nearestRank(sorted, share)) as [
      number,
      number,
      number,
    ];
    return { p50, p95, p99 };
  }

  #sorted(): Float32Array {
    return this.#values.slice(0, this.#count).sort();
  }

  #nearestRank(sorted: Float32Array, share: number): number {
    return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0;
  }
}
