// SPDX-License-Identifier: MIT
// The two networks of a model, each in a runtime of its own. A Network composes one of either kind and guards that one call is in flight.
import type { CorrelationForm } from '../native/addon.ts';
import type { NetworkShape, PairBatch } from './Network.ts';

/** Both encoders of a model in one runtime. */
export interface EncoderRuntime {
  /** Takes the sizes and buffers of a run; called before the first encode() and again after another Network.allocate(). */
  bind(shape: NetworkShape): Promise<void>;
  /** buffers.image, .cells -> buffers.features, .context */
  encode(): Promise<void>;
  close(): Promise<void>;
}

/** The update operator of a model in one runtime. */
export interface UpdateRuntime {
  /** How it can take the correlation as bytes; undefined when it cannot. */
  readonly correlationForm?: CorrelationForm | undefined;
  /** Takes the sizes of a run; called before the first update() and again after another Network.allocate(). */
  bind(shape: NetworkShape): Promise<void>;
  /** One pass over all pairs of the batch; `batch.count` is at most the `maxPairs` of the bound shape. */
  update(batch: PairBatch): Promise<void>;
  close(): Promise<void>;
}
