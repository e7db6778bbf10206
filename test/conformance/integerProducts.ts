// SPDX-License-Identifier: MIT
// Products of quantized layers as the numbers are defined, in plain loops over whole numbers. No code shared with the product.
import type { Weights } from '../../src/network/weights/Weights.ts';

/** What the integers of a layer mean. */
export interface Grid {
  /** Scale of the input, and the range of its integers. */
  input: number;
  low: number;
  high: number;
  /** [outputs] */
  weight: Float32Array;
}

export type Row = Float64Array<ArrayBuffer>;

/** The whole number nearest to x, the even one of two. */
export function nearestEven(x: number): number {
  const below = Math.floor(x);
  const rest = x - below;
  if (rest < 0.5) return below;
  if (rest > 0.5) return below + 1;
  return below % 2 === 0 ? below : below + 1;
}

export function integerOf(x: number, scale: number, low: number, high: number): number {
  return Math.min(Math.max(nearestEven(Math.fround(x / scale)), low), high);
}

/** Layers by name: whole numbers where there is a grid, else floating point. */
export class IntegerProducts {
  readonly #weights: Weights;
  readonly #grids: ReadonlyMap<string, Grid>;
  readonly #integers = new Map<string, Float64Array>();

  constructor(weights: Weights, grids: ReadonlyMap<string, Grid>) {
    this.#weights = weights;
    this.#grids = grids;
  }

  /** The values as a layer gets them. */
  seenBy(name: string, values: Row): Row {
    const grid = this.#grids.get(name);
    return grid === undefined ? values : this.inputs(name, values).map((q) => q * grid.input);
  }

  /** What the sums are made of: integers, or the values themselves. */
  inputs(name: string, values: Row): Row {
    const grid = this.#grids.get(name);
    if (grid === undefined) return values;
    return values.map((x) => integerOf(x, grid.input, grid.low, grid.high));
  }

  weights(name: string): Float64Array {
    const known = this.#integers.get(name);
    if (known !== undefined) return known;
    const { shape, data } = this.#weights.get(`${name}.weight`)!;
    const grid = this.#grids.get(name);
    const perOutput = data.length / shape[0]!;
    const made = Float64Array.from(data, (w, at) =>
      grid === undefined ? w : integerOf(w, grid.weight[Math.floor(at / perOutput)]!, -127, 127),
    );
    this.#integers.set(name, made);
    return made;
  }

  shape(name: string): number[] {
    return this.#weights.get(`${name}.weight`)!.shape;
  }

  /** The result of a sum over one output's weights. */
  result(name: string, output: number, sum: number): number {
    const grid = this.#grids.get(name);
    const unit = grid === undefined ? 1 : grid.input * grid.weight[output]!;
    return sum * unit + this.#weights.get(`${name}.bias`)!.data[output]!;
  }

  linear(name: string): (row: Row) => Row {
    return (row) => {
      const inputs = this.inputs(name, row);
      const weights = this.weights(name);
      return Float64Array.from({ length: this.shape(name)[0]! }, (_, o) =>
        this.result(
          name,
          o,
          inputs.reduce((sum, q, i) => sum + q * weights[o * row.length + i]!, 0),
        ),
      );
    };
  }
}
