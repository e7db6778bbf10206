// SPDX-License-Identifier: MIT
import type { Scales } from '../quantization/readScales.ts';
import type { Weights } from '../weights/Weights.ts';
import type { GraphBuilder, InnerPrecision } from './GraphBuilder.ts';
import { FloatProducts, type Products } from './Products.ts';
import { QuantizedProducts, type QuantizedTarget } from './QuantizedProducts.ts';

/** Which layers of a graph are in int8, and for whom. */
export interface GraphQuantization {
  scales: Scales;
  target: QuantizedTarget;
}

/** What is not in int8: TensorRT computes it in half precision, onnxruntime on the CPU in fp32. */
export function innerPrecision(quantization: GraphQuantization | undefined): InnerPrecision {
  return quantization?.target === 'tensorrt' ? 'fp16' : 'fp32';
}

/** The arithmetic of a graph. `prefix` is that of the layers' names; constants go without it. */
export function productsOf(
  graph: GraphBuilder,
  weights: Weights,
  prefix: string,
  quantization: GraphQuantization | undefined,
): Products {
  if (quantization === undefined) return new FloatProducts(graph, weights, prefix);
  return new QuantizedProducts(graph, weights, quantization.scales, quantization.target, prefix);
}
