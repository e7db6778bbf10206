// SPDX-License-Identifier: MIT
import type { InferenceSession, Tensor } from 'onnxruntime-node';
import type { EncoderBuffers } from './Network.ts';
import { openSession, tensor } from './session.ts';
import type { NetworkSizes } from './weights/networkSizes.ts';

export interface EncoderShape {
  height: number;
  width: number;
  patches: number;
  buffers: EncoderBuffers;
}

type Values = Record<string, Tensor>;

/** Image pixels per grid cell. */
const STRIDE = 4;

/** One of the two encoders over fixed buffers. */
export class FrameEncoder {
  readonly #session: InferenceSession;
  #inputs: Values = {};
  #outputs: Values = {};

  private constructor(session: InferenceSession) {
    this.#session = session;
  }

  static async open(model: Uint8Array, content: string, threads: number): Promise<FrameEncoder> {
    return new FrameEncoder(await openSession(model, content, threads));
  }

  /** Sets the buffers: image to matching features. */
  bindFeatures({ height, width, buffers }: EncoderShape, sizes: NetworkSizes): void {
    this.#inputs = { image: tensor(buffers.image, [1, sizes.inputChannels, height, width]) };
    this.#outputs = { features: tensor(buffers.features, [1, sizes.featureDim, height / STRIDE, width / STRIDE]) };
  }

  /** Sets the buffers: image and cells to context features. */
  bindContext({ height, width, patches, buffers }: EncoderShape, sizes: NetworkSizes): void {
    this.#inputs = {
      image: tensor(buffers.image, [1, sizes.inputChannels, height, width]),
      cells: tensor(buffers.cells, [patches]),
    };
    this.#outputs = { context: tensor(buffers.context, [patches, sizes.hiddenDim]) };
  }

  async run(): Promise<void> {
    await this.#session.run(this.#inputs, this.#outputs);
  }

  async close(): Promise<void> {
    await this.#session.release();
  }
}
