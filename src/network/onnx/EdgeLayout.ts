// SPDX-License-Identifier: MIT

/** The two layers that a neighbour's state goes through. */
export interface NeighbourLayers {
  /** Of rows [n][D], as rows [n][D]. */
  ofRows(x: string): string;
  /** Of zeros, as the name of a constant [D]. */
  ofNothing(): string;
}

/** How the edges lie in an update graph: as the table [E][D] that products take, and as a cube in which targets and patches are axes. */
export interface EdgeLayout {
  /** Axes of the cube. */
  readonly targetAxis: number;
  readonly patchAxis: number;
  /** A view of the edges with `width` columns as the cube. */
  cube(x: string, width: number): string;
  /** One row for each patch of a source, in the shape that is added to the cube. */
  perPatch(x: string): string;
  /** One row for each pair of frames, in the shape that is added to the cube. */
  perPair(x: string): string;
  /** What the layers make of the edge of the same patch in the target before (-1) or after (1), and of zeros where there is none: [E][D]. */
  neighbour(x: string, step: -1 | 1, layers: NeighbourLayers): string;
  /** Logits [cube] with those of edges that do not exist far below all others. */
  masked(logits: string): string;
}
