// SPDX-License-Identifier: MIT
import * as ort from 'onnxruntime-node';
import { messageOf, QpvoError } from '../error.ts';
import { int8Products } from '../processorFlags.ts';

/** A dense fp32 or int32 value over the caller's memory; nothing is copied. */
export function tensor(data: Float32Array | Int32Array, shape: number[]): ort.Tensor {
  return data instanceof Float32Array ? new ort.Tensor('float32', data, shape) : new ort.Tensor('int32', data, shape);
}

/** Version of the runtime; fails where its binary does not fit the machine. */
export function runtimeVersion(): string {
  return ort.env.versions.common;
}

/** x86-64 processors without products for int8 add those of u8 and s8 in 16 bits, which overflow; onnxruntime then has a slower, exact way. */
const INT8_NEEDS_WIDER_SUMS = process.arch === 'x64' && int8Products().length === 0;

/** Opens a model on the CPU. Threads stop spinning between runs, so that other work has the cores. */
export async function openSession(model: Uint8Array, content: string, threads: number): Promise<ort.InferenceSession> {
  try {
    return await ort.InferenceSession.create(model, {
      executionProviders: ['cpu'],
      graphOptimizationLevel: 'all',
      intraOpNumThreads: threads,
      enableMemPattern: false,
      extra: { session: { force_spinning_stop: '1', x64quantprecision: INT8_NEEDS_WIDER_SUMS ? '1' : '0' } },
    });
  } catch (cause) {
    throw new QpvoError('QPVO_MODEL', {
      what: `onnxruntime cannot load the ${content}`,
      received: messageOf(cause),
      advice: 'Import the model again.',
      cause,
    });
  }
}
