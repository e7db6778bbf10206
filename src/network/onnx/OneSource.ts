// SPDX-License-Identifier: MIT
import type { EdgeLayout, NeighbourLayers } from './EdgeLayout.ts';
import type { GraphBuilder } from './GraphBuilder.ts';

/** Slice end that means "to the end of the axis". */
const TO_END = Number.MAX_SAFE_INTEGER;

/** The edges of one source frame, [T][M][D] with T and M known at run time. Every edge of the cube exists. */
export class OneSource implements EdgeLayout {
  readonly targetAxis = 0;
  readonly patchAxis = 1;
  readonly #graph: GraphBuilder;
  readonly #dim: number;
  /** Shapes of the cube by its width. */
  readonly #shapes = new Map<number, string>();
  readonly #sliceShape: string;

  /** @param cubes hidden state [T][M][D] and context [1][M][D] */
  constructor(graph: GraphBuilder, dim: number, [hidden, context]: readonly [string, string]) {
    this.#graph = graph;
    this.#dim = dim;
    this.#shapes.set(dim, graph.op('Shape', [hidden]));
    this.#sliceShape = graph.op('Shape', [context]);
  }

  cube(x: string, width: number): string {
    return this.#graph.op('Reshape', [x, this.#cubeShapeOf(width)]);
  }

  perPatch(x: string): string {
    return x;
  }

  perPair(x: string): string {
    return this.#graph.reshape(x, [-1, 1, this.#dim]);
  }

  neighbour(x: string, step: -1 | 1, layers: NeighbourLayers): string {
    const range = step === -1 ? this.#range(0, -1) : this.#range(1, TO_END);
    const others = this.#graph.op('Slice', [this.cube(x, this.#dim), ...range]);
    const ofRows = () => layers.ofRows(this.#graph.reshape(others, [-1, this.#dim]));
    const rows = step === -1 ? [this.#ofNothing(layers), ofRows()] : [ofRows(), this.#ofNothing(layers)];
    return this.#graph.op('Concat', rows, { axis: 0 });
  }

  masked(logits: string): string {
    return logits;
  }

  /** The constant once for each patch: [M][D]. */
  #ofNothing(layers: NeighbourLayers): string {
    const slice = this.#graph.op('Expand', [layers.ofNothing(), this.#sliceShape]);
    return this.#graph.reshape(slice, [-1, this.#dim]);
  }

  /** [T][M][width] */
  #cubeShapeOf(width: number): string {
    const known = this.#shapes.get(width);
    if (known !== undefined) return known;
    const lead = this.#graph.op('Slice', [this.#shapes.get(this.#dim)!, ...this.#range(0, 2)]);
    const shape = this.#graph.op('Concat', [lead, this.#graph.integers([width])], { axis: 0 });
    this.#shapes.set(width, shape);
    return shape;
  }

  #range(start: number, end: number): string[] {
    return [start, end, 0].map((value) => this.#graph.integers([value]));
  }
}
