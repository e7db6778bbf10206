// SPDX-License-Identifier: MIT
import type { OpsBuffers } from '../native/addon.ts';
import type { PairStorage } from './PatchGraph.ts';

/** The hidden state of every pair, in two buffers: an update reads one and writes the other. */
export class HiddenState implements PairStorage {
  readonly #buffers: OpsBuffers;
  /** Floats per pair, M x D. */
  readonly #stride: number;
  #current: Float32Array;
  #other: Float32Array;

  constructor(buffers: OpsBuffers, stride: number) {
    this.#buffers = buffers;
    this.#stride = stride;
    this.#current = buffers.hiddenA;
    this.#other = buffers.hiddenB;
  }

  move(from: number, to: number): void {
    this.#current.copyWithin(to * this.#stride, from * this.#stride, (from + 1) * this.#stride);
  }

  clear(first: number, count: number): void {
    this.#current.fill(0, first * this.#stride, (first + count) * this.#stride);
  }

  /** After an update: what was written is what the next one reads. */
  swap(): void {
    [this.#current, this.#other] = [this.#other, this.#current];
  }

  /** The buffers of an update of `count` pairs. */
  batch(count: number) {
    const { correlation, correlationBytes: bytes, contextRing, delta, weight } = this.#buffers;
    const correlationBytes = bytes.length > 0 ? bytes : undefined;
    const hidden = { hiddenIn: this.#current, hiddenOut: this.#other };
    return { count, ...hidden, correlation, correlationBytes, contextRing, delta, weight };
  }
}
