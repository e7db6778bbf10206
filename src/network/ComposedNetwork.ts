// SPDX-License-Identifier: MIT
import { QpvoError } from '../error.ts';
import type { CorrelationForm } from '../native/addon.ts';
import type { ModelManifest } from './manifest.ts';
import type { Network, NetworkShape, PairBatch } from './Network.ts';
import type { EncoderRuntime, UpdateRuntime } from './parts.ts';

/** Encoders and update operator of one model in a runtime each, with one call in flight. */
export class ComposedNetwork implements Network {
  readonly manifest: ModelManifest;
  readonly #encoder: EncoderRuntime;
  readonly #update: UpdateRuntime;
  readonly #bound = new Set<EncoderRuntime | UpdateRuntime>();
  #shape: NetworkShape | undefined;
  #state: 'free' | 'busy' | 'closed' = 'free';

  constructor(manifest: ModelManifest, encoder: EncoderRuntime, update: UpdateRuntime) {
    this.manifest = manifest;
    this.#encoder = encoder;
    this.#update = update;
  }

  get correlationForm(): CorrelationForm | undefined {
    return this.#update.correlationForm;
  }

  allocate(shape: NetworkShape): void {
    if (this.#state === 'busy') throw busy();
    this.#shape = shape;
    this.#bound.clear();
  }

  encode(): Promise<void> {
    return this.#alone(async (shape) => {
      await this.#bind(this.#encoder, shape);
      await this.#encoder.encode();
    });
  }

  update(batch: PairBatch): Promise<void> {
    return this.#alone(async (shape) => {
      if (batch.count > shape.maxPairs) {
        throw new QpvoError('QPVO_INTERNAL', {
          what: 'too many frame pairs',
          expected: `at most ${shape.maxPairs}`,
          received: `${batch.count}`,
        });
      }
      await this.#bind(this.#update, shape);
      await this.#update.update(batch);
    });
  }

  async close(): Promise<void> {
    if (this.#state === 'closed') return;
    if (this.#state === 'busy') throw busy();
    this.#state = 'closed';
    await Promise.all([this.#encoder.close(), this.#update.close()]);
  }

  async #bind(part: EncoderRuntime | UpdateRuntime, shape: NetworkShape): Promise<void> {
    if (this.#bound.has(part)) return;
    await part.bind(shape);
    this.#bound.add(part);
  }

  /** Runs one call at a time. */
  async #alone(run: (shape: NetworkShape) => Promise<void>): Promise<void> {
    if (this.#state === 'closed') throw new QpvoError('QPVO_CLOSED', { what: 'the network is closed' });
    if (this.#state === 'busy') throw busy();
    if (this.#shape === undefined)
      throw new QpvoError('QPVO_INTERNAL', {
        what: 'the network was not given its shape',
        expected: 'allocate() first',
      });
    this.#state = 'busy';
    try {
      await run(this.#shape);
    } finally {
      this.#state = 'free';
    }
  }
}

function busy(): QpvoError {
  return new QpvoError('QPVO_BUSY', { what: 'the network is at work', advice: 'Await the last call first.' });
}
