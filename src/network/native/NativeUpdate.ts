// SPDX-License-Identifier: MIT
import { QpvoError } from '../../error.ts';
import type { CorrelationForm, CpuTensor, CpuUpdate } from '../../native/addon.ts';
import { loadAddon } from '../../native/loadAddon.ts';
import type { NetworkShape, PairBatch } from '../Network.ts';
import type { UpdateRuntime } from '../parts.ts';
import { correlationLength, type NetworkSizes } from '../weights/networkSizes.ts';
import type { RuntimeTensors } from '../weights/RuntimeTensors.ts';
import { updateTensors } from './partTensors.ts';

export interface NativeUpdateOptions {
  /** Cores to use, from 1. */
  threads: number;
  /** fp32: every layer; int8: the layers that the tensors have in int8, of which there must be some. */
  precision: 'fp32' | 'int8';
  /** One that the addon names for this processor; the best one when left out. */
  instructionSet?: string;
}

/**
 * The update operator in the native addon: tiles of one frame pair stay in the cache through all layers between two exchanges (docs/decisions/0004-native-update-operator.md).
 * @throws QPVO_MODEL when the tensors are not of the precision, or do not fit each other; QPVO_ADDON when the addon is not built
 */
export async function openNativeUpdate(
  weights: RuntimeTensors,
  sizes: NetworkSizes,
  { threads, precision, instructionSet = '' }: NativeUpdateOptions,
): Promise<UpdateRuntime> {
  const tensors = updateTensors(weights, sizes, precision);
  const runtime = new NativeUpdate(tensors, sizes, threads, instructionSet);
  // Weights that do not fit are told when the model is opened, not at its first frame.
  await runtime.check();
  return runtime;
}

class NativeUpdate implements UpdateRuntime {
  readonly #tensors: Record<string, CpuTensor>;
  readonly #sizes: NetworkSizes;
  readonly #threads: number;
  readonly #instructionSet: string;
  #operator: CpuUpdate | undefined;
  #correlationForm: CorrelationForm | undefined;

  constructor(tensors: Record<string, CpuTensor>, sizes: NetworkSizes, threads: number, instructionSet: string) {
    this.#tensors = tensors;
    this.#sizes = sizes;
    this.#threads = threads;
    this.#instructionSet = instructionSet;
  }

  /** Builds the smallest operator, and drops it. */
  async check(): Promise<void> {
    const operator = await this.#create({ patches: 1, ringSlots: 1, maxPairs: 1 }, 1);
    this.#correlationForm = operator.correlationForm;
    operator.close();
  }

  get correlationForm(): CorrelationForm | undefined {
    return this.#correlationForm;
  }

  async bind(shape: NetworkShape): Promise<void> {
    this.#operator?.close();
    this.#operator = await this.#create(shape, this.#threads);
  }

  async update(batch: PairBatch): Promise<void> {
    if (this.#operator === undefined)
      throw new QpvoError('QPVO_INTERNAL', { what: 'the update operator has no sizes', expected: 'bind() first' });
    await this.#operator.update({ ...batch, correlation: batch.correlationBytes ?? batch.correlation });
  }

  async close(): Promise<void> {
    this.#operator?.close();
    this.#operator = undefined;
  }

  #create(
    { patches, ringSlots, maxPairs }: Pick<NetworkShape, 'patches' | 'ringSlots' | 'maxPairs'>,
    threads: number,
  ): Promise<CpuUpdate> {
    const { hiddenDim } = this.#sizes;
    return loadAddon().CpuUpdate.create(
      {
        hiddenDim,
        correlationLength: correlationLength(this.#sizes),
        patches,
        ringSlots,
        maxPairs,
        threads,
        instructionSet: this.#instructionSet,
      },
      this.#tensors,
    );
  }
}
