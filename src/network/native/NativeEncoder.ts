// SPDX-License-Identifier: MIT
import { QpvoError } from '../../error.ts';
import type { CpuEncoder, CpuTensor } from '../../native/addon.ts';
import { loadAddon } from '../../native/loadAddon.ts';
import type { EncoderBuffers, NetworkShape } from '../Network.ts';
import type { EncoderRuntime } from '../parts.ts';
import type { NetworkSizes } from '../weights/networkSizes.ts';
import type { RuntimeTensors } from '../weights/RuntimeTensors.ts';
import { encoderTensors } from './partTensors.ts';

/** The least side of an image that the addon takes. */
const SMALLEST_SIDE = 16;

export interface NativeEncoderOptions {
  /** Cores to use, from 1. */
  threads: number;
  /** fp32: every layer; int8: the layers that the tensors have in int8, of which there must be some. */
  precision: 'fp32' | 'int8';
  /** One that the addon names for this processor; the best one when left out. */
  instructionSet?: string;
}

/**
 * Both encoders in the native addon: norms, shortcuts and quantization stay in the cache between two convolutions, and the context is computed
 * only around the patches (docs/decisions/0005-native-encoders.md).
 * @throws QPVO_MODEL when the tensors are not of the precision or do not fit each other; QPVO_ADDON when the addon is not built
 */
export async function openNativeEncoder(
  weights: RuntimeTensors,
  sizes: NetworkSizes,
  { threads, precision, instructionSet = '' }: NativeEncoderOptions,
): Promise<EncoderRuntime> {
  const tensors = encoderTensors(weights, sizes, precision);
  const runtime = new NativeEncoder(tensors, threads, instructionSet);
  // Weights that do not fit are told when the model is opened, not at its first frame.
  await runtime.check();
  return runtime;
}

class NativeEncoder implements EncoderRuntime {
  readonly #tensors: Record<string, CpuTensor>;
  readonly #threads: number;
  readonly #instructionSet: string;
  #bound: { encoder: CpuEncoder; buffers: EncoderBuffers } | undefined;

  constructor(tensors: Record<string, CpuTensor>, threads: number, instructionSet: string) {
    this.#tensors = tensors;
    this.#threads = threads;
    this.#instructionSet = instructionSet;
  }

  /** Builds the smallest encoders, and drops them. */
  async check(): Promise<void> {
    (await this.#create(SMALLEST_SIDE, SMALLEST_SIDE, 1)).close();
  }

  async bind({ width, height, buffers }: NetworkShape): Promise<void> {
    await this.close();
    this.#bound = { encoder: await this.#create(width, height, this.#threads), buffers };
  }

  async encode(): Promise<void> {
    if (this.#bound === undefined)
      throw new QpvoError('QPVO_INTERNAL', { what: 'the encoders have no image size', expected: 'bind() first' });
    const { encoder, buffers } = this.#bound;
    await encoder.encode(buffers.image, buffers.cells, buffers.features, buffers.context);
  }

  async close(): Promise<void> {
    this.#bound?.encoder.close();
    this.#bound = undefined;
  }

  #create(width: number, height: number, threads: number): Promise<CpuEncoder> {
    const options = { width, height, threads, instructionSet: this.#instructionSet };
    return loadAddon().CpuEncoder.create(options, this.#tensors);
  }
}
