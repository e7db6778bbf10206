// SPDX-License-Identifier: MIT
import type { EdgeLayout, NeighbourLayers } from './EdgeLayout.ts';
import type { GraphBuilder } from './GraphBuilder.ts';

/** Lengths of the cube of all edges. */
export interface EdgeCube {
  /** S, most source frames of an update. */
  sources: number;
  /** T, most targets of a source. */
  targets: number;
  /** M, patches of a frame. */
  patches: number;
}

/** Taken off the logit of an edge that does not exist: its share is 0 in half precision too, and the difference still has a value there. */
const FAR_BELOW = 1e4;

/**
 * The edges of all source frames, [S][T][M][D], all lengths fixed. The targets of a source fill its first slots in ascending order; `mask` [S][T][1][1] is 1 for
 * them and 0 for the rest, whose values are finite and of no use.
 */
export class AllSources implements EdgeLayout {
  readonly targetAxis = 1;
  readonly patchAxis = 2;
  readonly #graph: GraphBuilder;
  readonly #dim: number;
  readonly #cube: EdgeCube;
  readonly #mask: string;
  readonly #offset: string;

  constructor(graph: GraphBuilder, dim: number, cube: EdgeCube, mask: string) {
    this.#graph = graph;
    this.#dim = dim;
    this.#cube = cube;
    this.#mask = mask;
    const absent = graph.op('Sub', [mask, graph.floats('one', [], Float32Array.of(1))]);
    this.#offset = graph.op('Mul', [absent, graph.floats('far_below', [], Float32Array.of(FAR_BELOW))]);
  }

  cube(x: string, width: number): string {
    const { sources, targets, patches } = this.#cube;
    return this.#graph.reshape(x, [sources, targets, patches, width]);
  }

  perPatch(x: string): string {
    const { sources, patches } = this.#cube;
    return this.#graph.reshape(x, [sources, 1, patches, this.#dim]);
  }

  perPair(x: string): string {
    const { sources, targets } = this.#cube;
    return this.#graph.reshape(x, [sources, targets, 1, this.#dim]);
  }

  /** Where there is no neighbour the layers get zeros themselves. */
  neighbour(x: string, step: -1 | 1, layers: NeighbourLayers): string {
    const { targets } = this.#cube;
    const cube = this.cube(x, this.#dim);
    // The slot after the last target of a source is masked; the one before a target never is.
    const slots = step === -1 ? this.#slots(cube, 0, targets - 1) : this.#slots(this.#existing(cube), 1, targets);
    const shifted = this.#graph.op('Concat', step === -1 ? [this.#nothing(), slots] : [slots, this.#nothing()], {
      axis: this.targetAxis,
    });
    return layers.ofRows(this.#graph.reshape(shifted, [-1, this.#dim]));
  }

  masked(logits: string): string {
    return this.#graph.op('Add', [logits, this.#offset]);
  }

  #existing(cube: string): string {
    return this.#graph.op('Mul', [cube, this.#mask]);
  }

  #slots(cube: string, start: number, end: number): string {
    const range = [start, end, this.targetAxis].map((value) => this.#graph.integers([value]));
    return this.#graph.op('Slice', [cube, ...range]);
  }

  /** [S][1][M][D] zeros */
  #nothing(): string {
    const { sources, patches } = this.#cube;
    const shape = [sources, 1, patches, this.#dim];
    return this.#graph.floats('nothing', shape, new Float32Array(sources * patches * this.#dim));
  }
}
