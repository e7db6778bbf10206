// SPDX-License-Identifier: MIT
import { correlationLength, type NetworkSizes } from '../weights/networkSizes.ts';
import type { Weights } from '../weights/Weights.ts';
import { AllSources, type EdgeCube } from './AllSources.ts';
import { GraphBuilder, type InnerPrecision } from './GraphBuilder.ts';
import { type GraphQuantization, innerPrecision, productsOf } from './graphQuantization.ts';
import { UpdateOperator } from './UpdateOperator.ts';

export interface BatchForm {
  quantization?: GraphQuantization;
  /** Of what is not quantized. */
  precision?: InnerPrecision;
}

/**
 * The update operator (updateGraph) over all source frames at once, with fixed lengths: for a runtime to which one large call is cheaper than many small ones, and
 * which builds for one shape. The targets of a source fill its first slots in ascending order.
 *
 * Inputs, with E = S * T * M edges: `hidden` [S][T][M][D], `context` [S][1][M][D], `correlation` [E][F], `mask` [S][T][1][1], 1 where there is a target and 0 elsewhere.
 * Outputs: `hiddenOut` [E][D], `delta` [E][2], `weight` [E][2]; those of masked slots are of no use. All in fp32; in a graph of precision fp16 delta and weight
 * alone, the rest in fp16.
 */
export function updateBatchGraph(
  weights: Weights,
  sizes: NetworkSizes,
  cube: EdgeCube,
  { quantization, precision = innerPrecision(quantization) }: BatchForm = {},
): Uint8Array {
  const graph = new GraphBuilder('update', precision);
  const { sources: S, targets: T, patches: M } = cube;
  const D = sizes.hiddenDim;
  const edges = S * T * M;
  const type = precision === 'fp16' ? 'float16' : 'float32';
  const hidden = graph.input('hidden', type, [S, T, M, D]);
  const context = graph.input('context', type, [S, 1, M, D]);
  const correlation = graph.input('correlation', type, [edges, correlationLength(sizes)]);
  const mask = graph.input('mask', type, [S, T, 1, 1]);

  const products = productsOf(graph, weights, 'update.', quantization);
  const net = new UpdateOperator(graph, weights, products, sizes, new AllSources(graph, D, cube, mask));
  net.write(hidden, context, correlation);
  graph.output('hiddenOut', [edges, D], type);
  for (const name of ['delta', 'weight']) graph.output(name, [edges, 2]);
  return graph.encode();
}
