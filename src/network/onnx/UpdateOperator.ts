// SPDX-License-Identifier: MIT
import type { NetworkSizes } from '../weights/networkSizes.ts';
import type { Weights } from '../weights/Weights.ts';
import { correlationColumns } from './correlationColumns.ts';
import type { EdgeLayout } from './EdgeLayout.ts';
import type { GraphBuilder } from './GraphBuilder.ts';
import type { Products } from './Products.ts';

const LAYER_NORM_EPSILON = 1e-3;

/** Layers of the update operator, over edges in one layout. Values are edge tables [E][D] unless said otherwise. */
export class UpdateOperator {
  readonly #graph: GraphBuilder;
  readonly #weights: Weights;
  readonly #products: Products;
  readonly #sizes: NetworkSizes;
  readonly #dim: number;
  readonly #layout: EdgeLayout;

  constructor(graph: GraphBuilder, weights: Weights, products: Products, sizes: NetworkSizes, layout: EdgeLayout) {
    this.#graph = graph;
    this.#weights = weights;
    this.#products = products;
    this.#sizes = sizes;
    this.#dim = sizes.hiddenDim;
    this.#layout = layout;
  }

  /**
   * The whole operator: hidden state [cube] and context, which has one target, and correlation [E][F] -> values `hiddenOut` [E][D], `delta` [E][2] and `weight` [E][2].
   */
  write(hidden: string, context: string, correlation: string): void {
    let x = this.#sum(this.#edges(this.#sum(hidden, context)), this.#correlationLayers(correlation));
    x = this.#layerNorm(x, 'norm');
    x = this.#sum(x, this.#neighbour(x, -1, 'c1'));
    x = this.#sum(x, this.#neighbour(x, 1, 'c2'));
    x = this.#sum(this.#cube(x), this.#layout.perPatch(this.#softAggregate(x, 'agg_kk', this.#layout.targetAxis)));
    const byPair = this.#softAggregate(this.#edges(x), 'agg_ij', this.#layout.patchAxis);
    x = this.#sum(x, this.#layout.perPair(byPair));
    x = this.#gatedResidual(this.#layerNorm(this.#edges(x), 'gru.0'), 'gru.1');
    x = this.#gatedResidual(this.#layerNorm(x, 'gru.2'), 'gru.3', 'hiddenOut');
    this.#heads(x);
  }

  /** Any view of the edges as [E][D]. */
  #edges(x: string): string {
    return this.#graph.reshape(x, [-1, this.#dim]);
  }

  #cube(x: string): string {
    return this.#layout.cube(x, this.#dim);
  }

  #correlationLayers(correlation: string): string {
    const columns = correlationColumns(this.#sizes);
    const first = this.#relu(this.#products.linear(correlation, 'update.corr.0', { columns }));
    return this.#linear(this.#relu(this.#layerNorm(this.#linear(first, 'corr.2'), 'corr.3')), 'corr.5');
  }

  #neighbour(x: string, step: -1 | 1, name: string): string {
    return this.#layout.neighbour(x, step, {
      ofRows: (rows) => this.#twoLayers(rows, name),
      ofNothing: () => this.#ofNothing(name),
    });
  }

  #gatedResidual(x: string, name: string, output?: string): string {
    const gate = this.#graph.op('Sigmoid', [this.#linear(x, `${name}.gate.0`)]);
    return this.#graph.op('Add', [x, this.#graph.op('Mul', [gate, this.#twoLayers(x, `${name}.res`)])], {}, output);
  }

  #heads(x: string): void {
    const active = this.#relu(x);
    this.#linear(active, 'd.1', 'delta');
    this.#graph.op('Sigmoid', [this.#linear(active, 'w.1')], {}, 'weight');
  }

  #layerNorm(x: string, name: string): string {
    const affine = (['weight', 'bias'] as const).map((part) => this.#vector(`${name}.${part}`));
    return this.#graph.op('LayerNormalization', [x, ...affine], { axis: -1, epsilon: { float: LAYER_NORM_EPSILON } });
  }

  /** h(sum of softmax(g) * f along the axis of the members), with the true maximum of each group taken off first. f and g may be narrower than D. */
  #softAggregate(x: string, name: string, axis: number): string {
    const width = this.#weights.get(`update.${name}.f.bias`)!.data.length;
    const cube = (y: string) => this.#layout.cube(y, width);
    const plain = cube(this.#linear(x, `${name}.g`));
    const logits = axis === this.#layout.targetAxis ? this.#layout.masked(plain) : plain;
    const maximum = this.#graph.reduceMax(logits, axis);
    const share = this.#graph.op('Exp', [this.#graph.op('Sub', [logits, maximum])]);
    const part = this.#graph.op('Mul', [share, cube(this.#linear(x, `${name}.f`))]);
    const sum = (y: string) => this.#graph.op('ReduceSum', [y, this.#graph.integers([axis])], { keepdims: 1 });
    const mean = this.#graph.reshape(this.#graph.op('Div', [sum(part), sum(share)]), [-1, width]);
    return this.#linear(mean, `${name}.h`);
  }

  #twoLayers(x: string, name: string): string {
    return this.#linear(this.#relu(this.#linear(x, `${name}.0`)), `${name}.2`);
  }

  #linear(x: string, name: string, output?: string): string {
    return this.#products.linear(x, `update.${name}`, output === undefined ? {} : { output });
  }

  /** Two layers applied to the zero vector, a constant [D]. The first of them gives its bias. */
  #ofNothing(name: string): string {
    const first = this.#weights.get(`update.${name}.0.bias`)!.data.map((value) => Math.max(value, 0));
    const row = this.#products.ofConstant(`update.${name}.2`, first);
    return this.#graph.floats(`${name}.ofNothing`, [this.#dim], row);
  }

  #vector(name: string): string {
    const { shape, data } = this.#weights.get(`update.${name}`)!;
    return this.#graph.floats(name, shape, data);
  }

  #relu(x: string): string {
    return this.#graph.op('Relu', [x]);
  }

  #sum(a: string, b: string): string {
    return this.#graph.op('Add', [a, b]);
  }
}
