// SPDX-License-Identifier: MIT
import type { InferenceSession } from 'onnxruntime-node';
import type { PairBatch } from './Network.ts';
import { openSession, tensor } from './session.ts';
import type { Chain } from './sourceChains.ts';
import { correlationLength, type NetworkSizes } from './weights/networkSizes.ts';

/** The arrays of a batch that a chain touches. */
export type ChainArrays = Omit<PairBatch, 'count' | 'sourceIndex' | 'previous' | 'next'>;

/** Runs the update operator on the pairs of one source frame at a time: small enough to stay in the cache of one core. */
export class SourceUpdater {
  readonly #session: InferenceSession;
  readonly #hiddenDim: number;
  readonly #correlationLength: number;
  #patches = 0;
  #hidden = new Float32Array(0);
  #correlation = new Float32Array(0);
  #delta = new Float32Array(0);
  #weight = new Float32Array(0);

  private constructor(session: InferenceSession, sizes: NetworkSizes) {
    this.#session = session;
    this.#hiddenDim = sizes.hiddenDim;
    this.#correlationLength = correlationLength(sizes);
  }

  static async open(model: Uint8Array, sizes: NetworkSizes): Promise<SourceUpdater> {
    return new SourceUpdater(await openSession(model, 'update operator', 1), sizes);
  }

  /** One pass over the pairs of a chain: reads hiddenIn, context and correlation, writes hiddenOut, delta and weight of these pairs. */
  async run(chain: Chain, batch: ChainArrays, patches: number): Promise<void> {
    const targets = chain.length;
    const edges = targets * patches;
    const dim = this.#hiddenDim;
    const slice = patches * dim;
    this.#reserve(edges, patches);
    gather(batch.hiddenIn, this.#hidden, chain, slice);
    gather(batch.correlation, this.#correlation, chain, patches * this.#correlationLength);
    const slot = batch.source[chain[0]!]!;
    const context = batch.contextRing.subarray(slot * slice, (slot + 1) * slice);
    const correlation = this.#correlation.subarray(0, edges * this.#correlationLength);
    const hidden = this.#hidden.subarray(0, edges * dim);
    const delta = this.#delta.subarray(0, edges * 2);
    const weight = this.#weight.subarray(0, edges * 2);
    // The hidden state is read by the first node and written by the last: one array serves both.
    await this.#session.run(
      {
        hidden: tensor(hidden, [targets, patches, dim]),
        context: tensor(context, [1, patches, dim]),
        correlation: tensor(correlation, [edges, this.#correlationLength]),
      },
      { hiddenOut: tensor(hidden, [edges, dim]), delta: tensor(delta, [edges, 2]), weight: tensor(weight, [edges, 2]) },
    );
    scatter(this.#hidden, batch.hiddenOut, chain, slice);
    scatter(this.#delta, batch.delta, chain, patches * 2);
    scatter(this.#weight, batch.weight, chain, patches * 2);
  }

  async close(): Promise<void> {
    await this.#session.release();
  }

  /** Makes the scratch arrays long enough; they never shrink. */
  #reserve(edges: number, patches: number): void {
    if (patches === this.#patches && this.#delta.length >= edges * 2) return;
    this.#patches = patches;
    this.#hidden = new Float32Array(edges * this.#hiddenDim);
    this.#correlation = new Float32Array(edges * this.#correlationLength);
    this.#delta = new Float32Array(edges * 2);
    this.#weight = new Float32Array(edges * 2);
  }
}

function gather(from: Float32Array, to: Float32Array, chain: Chain, stride: number): void {
  for (const [at, pair] of chain.entries()) to.set(from.subarray(pair * stride, (pair + 1) * stride), at * stride);
}

function scatter(from: Float32Array, to: Float32Array, chain: Chain, stride: number): void {
  for (const [at, pair] of chain.entries()) to.set(from.subarray(at * stride, (at + 1) * stride), pair * stride);
}
