// SPDX-License-Identifier: MIT
import type { Weights } from '../weights/Weights.ts';
import type { GraphBuilder } from './GraphBuilder.ts';
import { transposed } from './transposed.ts';

export interface Window {
  stride: number;
  pad: number;
}

export interface LinearOptions {
  /** The input column of the weights for each element of x, when the order differs. */
  columns?: Int32Array;
  /** Name of the result. */
  output?: string;
}

export interface ConvolutionOptions extends Window {
  output?: string;
  /** The quantized layer that alone reads the result, through a ReLU. */
  onlyReader?: string;
  /** The result is normalised next, so that adding the bias changes nothing. */
  isNormalised?: boolean;
}

/** Writes the products of a network into its graph: linear layers and convolutions, in one arithmetic. Layers go by their names in the weights file, without `.weight`. */
export interface Products {
  /** x W' + b for rows x. */
  linear(x: string, layer: string, options?: LinearOptions): string;
  /** A 1x1 convolution for columns x [inputs][M], as rows [M][outputs]. */
  linearOfColumns(x: string, layer: string, output: string): string;
  convolution(x: string, layer: string, options: ConvolutionOptions): string;
  /** x as the layer gets it, in floating point: rounded where the layer is quantized. */
  seenBy(layer: string, x: string): string;
  /** The linear layer applied to one constant row. */
  ofConstant(layer: string, row: Float32Array): Float32Array;
}

/** Floating point, in the precision of the graph. `prefix` is left out of the names of constants. */
export class FloatProducts implements Products {
  readonly #graph: GraphBuilder;
  readonly #weights: Weights;
  readonly #prefix: string;

  constructor(graph: GraphBuilder, weights: Weights, prefix: string) {
    this.#graph = graph;
    this.#weights = weights;
    this.#prefix = prefix;
  }

  linear(x: string, layer: string, { columns, output }: LinearOptions = {}): string {
    const { shape, data } = transposed(this.#weights.get(`${layer}.weight`)!, columns);
    const weight = this.#graph.floats(this.#short(`${layer}.weight`), shape, data);
    return this.#graph.op('Gemm', [x, weight, this.#tensor(`${layer}.bias`)], {}, output);
  }

  linearOfColumns(x: string, layer: string, output: string): string {
    const { shape, data } = this.#weights.get(`${layer}.weight`)!;
    const matrix = this.#graph.floats(this.#short(`${layer}.weight`), shape.slice(0, 2), data);
    return this.#graph.op('Gemm', [x, matrix, this.#tensor(`${layer}.bias`)], { transA: 1, transB: 1 }, output);
  }

  convolution(x: string, layer: string, { stride, pad, output }: ConvolutionOptions): string {
    const inputs = [x, this.#tensor(`${layer}.weight`), this.#tensor(`${layer}.bias`)];
    return this.#graph.op('Conv', inputs, windowAttributes({ stride, pad }), output);
  }

  seenBy(_layer: string, x: string): string {
    return x;
  }

  ofConstant(layer: string, row: Float32Array): Float32Array {
    const { data: matrix } = this.#weights.get(`${layer}.weight`)!;
    return this.#weights
      .get(`${layer}.bias`)!
      .data.map((bias, o) => row.reduce((sum, value, i) => sum + matrix[o * row.length + i]! * value, bias));
  }

  #tensor(name: string): string {
    const { shape, data } = this.#weights.get(name)!;
    return this.#graph.floats(this.#short(name), shape, data);
  }

  #short(name: string): string {
    return name.slice(this.#prefix.length);
  }
}

/** Attributes of Conv and its quantized forms; those of a 1x1 window over every pixel are the defaults. */
export function windowAttributes({ stride, pad }: Window): Record<string, number[]> {
  if (stride === 1 && pad === 0) return {};
  return { strides: [stride, stride], pads: [pad, pad, pad, pad] };
}
