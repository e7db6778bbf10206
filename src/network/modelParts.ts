// SPDX-License-Identifier: MIT

/**
 * The parts a model may consist of, with the names of their files.
 *
 * - `features`, `context`, `update`: graphs in fp32. `update` is absent from a model that only holds encoders.
 * - `...Int8`: the same for onnxruntime on the CPU (u8 activations, s8 weights), `...Tensorrt`: for TensorRT (s8, the rest in fp16).
 * - `weights`, `weightsInt8`: what native runtimes compute from.
 * - `golden`, `goldenInt8`, `goldenTensorrt`: inputs and outputs of every stage, for tests.
 *
 * A model without int8 parts runs in fp32 only.
 */
export const PART_FILES = {
  features: 'features.onnx',
  context: 'context.onnx',
  weights: 'weights.safetensors',
  update: 'update.onnx',
  golden: 'golden.safetensors',
  featuresInt8: 'features_int8.onnx',
  contextInt8: 'context_int8.onnx',
  updateInt8: 'update_int8.onnx',
  featuresTensorrt: 'features_tensorrt_int8.onnx',
  contextTensorrt: 'context_tensorrt_int8.onnx',
  updateTensorrt: 'update_tensorrt_int8.onnx',
  weightsInt8: 'weights_int8.safetensors',
  goldenInt8: 'golden_int8.safetensors',
  goldenTensorrt: 'golden_tensorrt_int8.safetensors',
} as const;

export type Part = keyof typeof PART_FILES;

export const PARTS = Object.keys(PART_FILES) as Part[];
