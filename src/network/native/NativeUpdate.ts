// SPDX-License-Identifier: MIT
import { QpvoError } from '../../error.ts';
import type { CpuTensor, CpuUpdate } from '../../native/addon.ts';
import { loadAddon } from '../../native/loadAddon.ts';
import type { NetworkShape, PairBatch } from '../Network.ts';
import { correlationColumns } from '../onnx/correlationColumns.ts';
import type { UpdateRuntime } from '../parts.ts';
import { correlationLength, type NetworkSizes } from '../weights/networkSizes.ts';
import type { RuntimeTensors } from '../weights/RuntimeTensors.ts';

const PREFIX = 'update.';
const FIRST_LAYER = 'update.corr.0.weight';

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
  const tensors = updateTensors(weights, sizes);
  const quantized = Object.keys(tensors).filter((name) => tensors[name]!.data instanceof Int8Array);
  if ((precision === 'int8') !== quantized.length > 0)
    throw new QpvoError('QPVO_MODEL', {
      what: `these weights are not for an update operator in ${precision}`,
      expected: precision === 'int8' ? 'layers in int8' : 'all layers in fp32',
      received: `${quantized.length} layers in int8`,
      advice: 'Give the weights part of the manifest that belongs to the precision.',
    });
  const runtime = new NativeUpdate(tensors, sizes, threads, instructionSet);
  // Weights that do not fit are told when the model is opened, not at its first frame.
  await runtime.check();
  return runtime;
}

/** The tensors of the operator; the first layer takes the correlation in the order in which our ops write it. */
function updateTensors(weights: RuntimeTensors, sizes: NetworkSizes): Record<string, CpuTensor> {
  const own = [...weights].filter(([name]) => name.startsWith(PREFIX));
  const tensors: Record<string, CpuTensor> = Object.fromEntries(own);
  const first = tensors[FIRST_LAYER];
  if (first !== undefined && first.shape[1] === correlationLength(sizes))
    tensors[FIRST_LAYER] = withColumns(first, correlationColumns(sizes));
  return tensors;
}

/** Column i of the result is column `columns[i]` of the matrix. */
function withColumns({ shape, data }: CpuTensor, columns: Int32Array): CpuTensor {
  const picked = data.slice();
  for (let row = 0; row < picked.length; row += columns.length)
    columns.forEach((column, i) => {
      picked[row + i] = data[row + column]!;
    });
  return { shape, data: picked };
}

class NativeUpdate implements UpdateRuntime {
  readonly #tensors: Record<string, CpuTensor>;
  readonly #sizes: NetworkSizes;
  readonly #threads: number;
  readonly #instructionSet: string;
  #operator: CpuUpdate | undefined;

  constructor(tensors: Record<string, CpuTensor>, sizes: NetworkSizes, threads: number, instructionSet: string) {
    this.#tensors = tensors;
    this.#sizes = sizes;
    this.#threads = threads;
    this.#instructionSet = instructionSet;
  }

  /** Builds the smallest operator, and drops it. */
  async check(): Promise<void> {
    (await this.#create({ patches: 1, ringSlots: 1, maxPairs: 1 }, 1)).close();
  }

  async bind(shape: NetworkShape): Promise<void> {
    this.#operator?.close();
    this.#operator = await this.#create(shape, this.#threads);
  }

  async update(batch: PairBatch): Promise<void> {
    if (this.#operator === undefined)
      throw new QpvoError('QPVO_INTERNAL', { what: 'the update operator has no sizes', expected: 'bind() first' });
    await this.#operator.update(batch);
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
