// SPDX-License-Identifier: MIT
import { correlationLength, type NetworkSizes } from '../weights/networkSizes.ts';
import type { Weights } from '../weights/Weights.ts';
import { correlationColumns } from './correlationColumns.ts';
import { GraphBuilder } from './GraphBuilder.ts';
import { type GraphQuantization, innerPrecision, productsOf } from './graphQuantization.ts';
import type { Products } from './Products.ts';

const LAYER_NORM_EPSILON = 1e-3;
/** Slice end that means "to the end of the axis". */
const TO_END = Number.MAX_SAFE_INTEGER;

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
  const net = new UpdateOperator(graph, weights, products, D, [hidden, context]);
  let x = graph.op('Add', [net.edges(graph.op('Add', [hidden, context])), net.correlationLayers(correlation, sizes)]);
  x = net.layerNorm(x, 'norm');
  x = graph.op('Add', [x, net.previousNeighbour(x)]);
  x = graph.op('Add', [x, net.nextNeighbour(x)]);
  x = graph.op('Add', [net.cube(x), net.aggregateByPatch(x)]);
  x = graph.op('Add', [x, net.aggregateByPair(net.edges(x))]);
  x = net.gatedResidual(net.layerNorm(net.edges(x), 'gru.0'), 'gru.1');
  x = net.gatedResidual(net.layerNorm(x, 'gru.2'), 'gru.3', 'hiddenOut');
  graph.output('hiddenOut', ['E', D]);
  net.heads(x);
  return graph.encode();
}

/** Layers of the update operator. Values are edge tables [E][D] unless said otherwise. */
class UpdateOperator {
  readonly #graph: GraphBuilder;
  readonly #weights: Weights;
  readonly #products: Products;
  readonly #dim: number;
  /** Shape of the cube and of one slice of it, known at run time. */
  readonly #cubeShape: string;
  readonly #sliceShape: string;

  constructor(
    graph: GraphBuilder,
    weights: Weights,
    products: Products,
    dim: number,
    [hidden, context]: readonly [string, string],
  ) {
    this.#graph = graph;
    this.#weights = weights;
    this.#products = products;
    this.#dim = dim;
    this.#cubeShape = graph.op('Shape', [hidden]);
    this.#sliceShape = graph.op('Shape', [context]);
  }

  /** Any view of the edges as [E][D]. */
  edges(x: string): string {
    return this.#reshape(x, [-1, this.#dim]);
  }

  /** Any view of the edges as [T][M][D]. */
  cube(x: string): string {
    return this.#graph.op('Reshape', [x, this.#cubeShape]);
  }

  correlationLayers(correlation: string, sizes: NetworkSizes): string {
    const columns = correlationColumns(sizes);
    const first = this.#relu(this.#products.linear(correlation, 'update.corr.0', { columns }));
    return this.#linear(this.#relu(this.layerNorm(this.#linear(first, 'corr.2'), 'corr.3')), 'corr.5');
  }

  /** c1 of the edge of the same patch in the target before; c1(0) where there is none. */
  previousNeighbour(x: string): string {
    const others = this.#graph.op('Slice', [this.cube(x), ...this.#range(0, -1)]);
    return this.#graph.op('Concat', [this.#ofNothing('c1'), this.#twoLayers(this.edges(others), 'c1')], { axis: 0 });
  }

  /** c2 of the edge of the same patch in the target after; c2(0) where there is none. */
  nextNeighbour(x: string): string {
    const others = this.#graph.op('Slice', [this.cube(x), ...this.#range(1, TO_END)]);
    return this.#graph.op('Concat', [this.#twoLayers(this.edges(others), 'c2'), this.#ofNothing('c2')], { axis: 0 });
  }

  /** Softmax-weighted mean over the targets of each patch: [M][D]. */
  aggregateByPatch(x: string): string {
    return this.#softAggregate(x, 'agg_kk', 0);
  }

  /** Softmax-weighted mean over the patches of each target: [T][1][D]. */
  aggregateByPair(x: string): string {
    return this.#reshape(this.#softAggregate(x, 'agg_ij', 1), [-1, 1, this.#dim]);
  }

  gatedResidual(x: string, name: string, output?: string): string {
    const gate = this.#graph.op('Sigmoid', [this.#linear(x, `${name}.gate.0`)]);
    return this.#graph.op('Add', [x, this.#graph.op('Mul', [gate, this.#twoLayers(x, `${name}.res`)])], {}, output);
  }

  heads(x: string): void {
    const active = this.#relu(x);
    this.#linear(active, 'd.1', 'delta');
    this.#graph.op('Sigmoid', [this.#linear(active, 'w.1')], {}, 'weight');
    for (const name of ['delta', 'weight']) this.#graph.output(name, ['E', 2]);
  }

  layerNorm(x: string, name: string): string {
    const affine = (['weight', 'bias'] as const).map((part) => this.#vector(`${name}.${part}`));
    return this.#graph.op('LayerNormalization', [x, ...affine], { axis: -1, epsilon: { float: LAYER_NORM_EPSILON } });
  }

  /** h(sum of softmax(g) * f along the axis of the members), with the true maximum of each group taken off first. f and g may be narrower than D. */
  #softAggregate(x: string, name: string, axis: number): string {
    const width = this.#weights.get(`update.${name}.f.bias`)!.data.length;
    const shape = width === this.#dim ? this.#cubeShape : this.#cubeShapeOf(width);
    const cube = (y: string) => this.#graph.op('Reshape', [y, shape]);
    const logits = cube(this.#linear(x, `${name}.g`));
    const maximum = this.#graph.reduceMax(logits, axis);
    const share = this.#graph.op('Exp', [this.#graph.op('Sub', [logits, maximum])]);
    const part = this.#graph.op('Mul', [share, cube(this.#linear(x, `${name}.f`))]);
    const sum = (y: string) => this.#graph.op('ReduceSum', [y, this.#graph.integers([axis])], { keepdims: 1 });
    const mean = this.#reshape(this.#graph.op('Div', [sum(part), sum(share)]), [-1, width]);
    return this.#linear(mean, `${name}.h`);
  }

  /** [T][M][width] */
  #cubeShapeOf(width: number): string {
    const lead = this.#graph.op('Slice', [this.#cubeShape, ...this.#range(0, 2)]);
    return this.#graph.op('Concat', [lead, this.#graph.integers([width])], { axis: 0 });
  }

  #twoLayers(x: string, name: string): string {
    return this.#linear(this.#relu(this.#linear(x, `${name}.0`)), `${name}.2`);
  }

  #linear(x: string, name: string, output?: string): string {
    return this.#products.linear(x, `update.${name}`, output === undefined ? {} : { output });
  }

  /** Two layers applied to the zero vector, a constant, once per patch: [M][D]. The first of them gives its bias. */
  #ofNothing(name: string): string {
    const first = this.#weights.get(`update.${name}.0.bias`)!.data.map((value) => Math.max(value, 0));
    const row = this.#products.ofConstant(`update.${name}.2`, first);
    const constant = this.#graph.floats(`${name}.ofNothing`, [this.#dim], row);
    return this.edges(this.#graph.op('Expand', [constant, this.#sliceShape]));
  }

  #vector(name: string): string {
    const { shape, data } = this.#weights.get(`update.${name}`)!;
    return this.#graph.floats(name, shape, data);
  }

  #relu(x: string): string {
    return this.#graph.op('Relu', [x]);
  }

  #reshape(x: string, shape: number[]): string {
    return this.#graph.op('Reshape', [x, this.#graph.integers(shape)]);
  }

  #range(start: number, end: number): string[] {
    return [start, end, 0].map((value) => this.#graph.integers([value]));
  }
}
