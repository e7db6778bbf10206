// SPDX-License-Identifier: MIT
import type { WeightTensor } from './Weights.ts';

/** A dense int8 tensor, row-major. */
export interface Int8Tensor {
  shape: number[];
  data: Int8Array;
}

/**
 * The tensors a native runtime is built from, under the names of the weights file: all fp32 from weights.safetensors; from weights_int8.safetensors a
 * quantized layer has an int8 `weight` with fp32 `weight_scale` [outputs], `input_scale` [1] and `bias` [outputs] beside it, all others are fp32.
 */
export type RuntimeTensors = ReadonlyMap<string, WeightTensor | Int8Tensor>;
