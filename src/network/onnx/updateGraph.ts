// SPDX-License-Identifier: MIT
import { correlationLength, type NetworkSizes } from '../weights/networkSizes.ts';
import type { Weights } from '../weights/Weights.ts';
import { GraphBuilder } from './GraphBuilder.ts';
import { type GraphQuantization, innerPrecision, productsOf } from './graphQuantization.ts';
import { OneSource } from './OneSource.ts';
import { UpdateOperator } from './UpdateOperator.ts';

/**
 * The update operator (Deep Patch Visual Odometry, arXiv 2208.04726, section 3.2) for the patches of one source frame, seen in T target frames in ascending order. Everything an edge
 * exchanges with others stays within its source frame, so frames are independent: docs/decisions/0001-pair-form-of-the-update-operator.md.
 *
 * Inputs, with M patches and E = T * M edges: `hidden` [T][M][D], `context` [1][M][D], `correlation` [E][F] in the order [level][py][px][dy][dx].
 * Outputs: `hiddenOut` [E][D], `delta` [E][2] in grid px, `weight` [E][2] in 0..1. T and M are free, from 1.
 */
export function updateGraph(weights: Weights, sizes: NetworkSizes, quantization?: GraphQuantization): Uint8Array {
  const graph = new GraphBuilder('update', innerPrecision(quantization));
  const { hiddenDim: D } = sizes;
  const hidden = graph.input('hidden', 'float32', ['T', 'M', D]);
  const context = graph.input('context', 'float32', [1, 'M', D]);
  const correlation = graph.input('correlation', 'float32', ['E', correlationLength(sizes)]);

  const products = productsOf(graph, weights, 'update.', quantization);
  const net = new UpdateOperator(graph, weights, products, sizes, new OneSource(graph, D, [hidden, context]));
  net.write(hidden, context, correlation);
  graph.output('hiddenOut', ['E', D]);
  for (const name of ['delta', 'weight']) graph.output(name, ['E', 2]);
  return graph.encode();
}
