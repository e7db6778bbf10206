// SPDX-License-Identifier: MIT
import type { Part } from './modelParts.ts';
import { contextGraph, featureGraph } from './onnx/encoderGraph.ts';
import { updateGraph } from './onnx/updateGraph.ts';
import { int8Weights } from './quantization/int8Weights.ts';
import { ENCODER_LAYERS, UPDATE_LAYERS } from './quantization/quantizedLayers.ts';
import { SCHEME, type Scales } from './quantization/readScales.ts';
import type { NetworkSizes } from './weights/networkSizes.ts';
import { encodeSafetensors } from './weights/safetensors.ts';
import type { Weights } from './weights/Weights.ts';

type Contents = [Part, Uint8Array][];

/** The fp32 graphs and weights of a network. */
export function floatParts(weights: Weights, sizes: NetworkSizes): Contents {
  const parts: Contents = [
    ['features', featureGraph(weights, sizes)],
    ['context', contextGraph(weights, sizes)],
    ['weights', encodeSafetensors(weights)],
  ];
  if (weights.has('update.corr.0.weight')) parts.push(['update', updateGraph(weights, sizes)]);
  return parts;
}

/** The int8 graphs for onnxruntime and TensorRT, and the int8 weights. A network none of whose layers has scales has no graph. */
export function int8Parts(weights: Weights, sizes: NetworkSizes, scales: Scales): Contents {
  const parts: Contents = [];
  for (const target of ['onnxruntime', 'tensorrt'] as const) {
    const suffix = target === 'tensorrt' ? 'Tensorrt' : 'Int8';
    const quantization = { scales, target };
    if (ENCODER_LAYERS.some(({ name }) => scales.has(name))) {
      parts.push([`features${suffix}`, featureGraph(weights, sizes, quantization)]);
      parts.push([`context${suffix}`, contextGraph(weights, sizes, quantization)]);
    }
    if (UPDATE_LAYERS.some(({ name }) => scales.has(name))) {
      parts.push([`update${suffix}`, updateGraph(weights, sizes, quantization)]);
    }
  }
  parts.push(['weightsInt8', encodeSafetensors(int8Weights(weights, scales), { scheme: SCHEME })]);
  return parts;
}
