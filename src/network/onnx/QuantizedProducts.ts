// SPDX-License-Identifier: MIT
import { quantizedLayer } from '../quantization/quantizedLayers.ts';
import { quantize, quantizeWeights, roundHalfEven } from '../quantization/quantizeWeights.ts';
import type { Scales } from '../quantization/readScales.ts';
import { nearestHalf } from '../weights/elements.ts';
import type { Weights } from '../weights/Weights.ts';
import type { GraphBuilder } from './GraphBuilder.ts';
import {
  type ConvolutionOptions,
  FloatProducts,
  type LinearOptions,
  type Products,
  type Window,
  windowAttributes,
} from './Products.ts';
import { transposed } from './transposed.ts';

/** Whom a quantized graph is for: onnxruntime on the CPU, which wants u8 activations, or TensorRT, which wants s8 without zero points. */
export type QuantizedTarget = 'onnxruntime' | 'tensorrt';

/** A layer with everything that its integers mean in the graph. */
interface Layer {
  name: string;
  signed: boolean;
  inputScale: number;
  /** [outputs] */
  weightScales: Float32Array;
  /** [outputs][...] */
  shape: number[];
  weight: Int8Array;
  bias: Float32Array;
}

/** Smallest half-precision number with all its digits. */
const LEAST_HALF = 2 ** -14;
/** Bound of a bias in units of the accumulators, which leaves half their range for the products. */
const BIAS_LIMIT = 2 ** 30;

/**
 * Layers with scales in int8, all others in floating point. The form is QuantizeLinear and DequantizeLinear around float operators, which both runtimes
 * turn into integer ones. Where onnxruntime has no such operator, namely for a convolution whose result is not quantized, it is ConvInteger.
 */
export class QuantizedProducts implements Products {
  readonly #graph: GraphBuilder;
  readonly #weights: Weights;
  readonly #scales: Scales;
  readonly #target: QuantizedTarget;
  readonly #float: FloatProducts;
  readonly #quantized = new Map<string, string>();

  constructor(graph: GraphBuilder, weights: Weights, scales: Scales, target: QuantizedTarget, prefix: string) {
    this.#graph = graph;
    this.#weights = weights;
    this.#scales = scales;
    this.#target = target;
    this.#float = new FloatProducts(graph, weights, prefix);
  }

  linear(x: string, name: string, options: LinearOptions = {}): string {
    const layer = this.#layer(name);
    if (layer === undefined) return this.#float.linear(x, name, options);
    return this.#gemm(this.#dequantized(x, layer), layer, {}, options);
  }

  linearOfColumns(x: string, name: string, output: string): string {
    const layer = this.#layer(name);
    if (layer === undefined) return this.#float.linearOfColumns(x, name, output);
    return this.#gemm(this.#dequantized(x, layer), layer, { transA: 1 }, { output });
  }

  convolution(x: string, name: string, options: ConvolutionOptions): string {
    const layer = this.#layer(name);
    if (layer === undefined) return this.#float.convolution(x, name, options);
    const { onlyReader = '' } = options;
    const isQuantizedNext = this.#scales.has(onlyReader);
    if (this.#target === 'onnxruntime' && !isQuantizedNext) return this.#convInteger(x, layer, options);
    const inputs = [this.#dequantized(x, layer), this.#weightOf(layer, layer.shape, layer.weight, 0)];
    if (!options.isNormalised) inputs.push(this.#biasOf(layer));
    return this.#graph.op('Conv', inputs, windowAttributes(options), options.output);
  }

  seenBy(name: string, x: string): string {
    const layer = this.#layer(name);
    return layer === undefined ? x : this.#dequantized(x, layer);
  }

  ofConstant(name: string, row: Float32Array): Float32Array {
    const layer = this.#layer(name);
    if (layer === undefined) return this.#float.ofConstant(name, row);
    const { inputScale, weight, weightScales, bias } = layer;
    const [low, high] = this.#limits(layer);
    const integers = row.map((value) => quantize(value, inputScale, low, high));
    return bias.map((offset, o) => {
      const sum = integers.reduce((total, value, i) => total + value * weight[o * row.length + i]!, 0);
      return sum * inputScale * weightScales[o]! + offset;
    });
  }

  #layer(name: string): Layer | undefined {
    const scales = this.#scales.get(name);
    if (scales === undefined) return undefined;
    const { signed } = quantizedLayer(name)!;
    const weight = this.#weights.get(`${name}.weight`)!;
    const bias = this.#weights.get(`${name}.bias`)!.data;
    const inputScale = this.#inputScale(scales.input, signed);
    const weightScales = scales.weight.map((scale, o) => this.#weightScale(scale, inputScale, bias[o]!));
    const { data } = quantizeWeights(weight, weightScales);
    return { name, signed, inputScale, weightScales, shape: weight.shape, weight: data, bias };
  }

  /** TensorRT has no unsigned type: 0..255 become 0..127 of the same range. */
  #inputScale(scale: number, signed: boolean): number {
    if (this.#target === 'onnxruntime') return scale;
    return nearestHalf(Math.max(signed ? scale : (scale * 255) / 127, LEAST_HALF));
  }

  /** A channel with next to no weights gets a larger scale, where its scale or its bias could not be written otherwise. */
  #weightScale(scale: number, inputScale: number, bias: number): number {
    if (this.#target === 'tensorrt') return nearestHalf(Math.max(scale, LEAST_HALF));
    return Math.max(scale, Math.abs(bias) / (BIAS_LIMIT * inputScale));
  }

  #limits({ signed }: Layer): [low: number, high: number] {
    if (signed) return [-128, 127];
    return this.#target === 'onnxruntime' ? [0, 255] : [0, 127];
  }

  /** x as integers of the layer's input; layers with the same input share them. */
  #integers(x: string, layer: Layer): string {
    const key = `${x} ${layer.inputScale} ${layer.signed}`;
    const known = this.#quantized.get(key);
    if (known !== undefined) return known;
    const made = this.#graph.op('QuantizeLinear', [x, ...this.#grid(layer)]);
    this.#quantized.set(key, made);
    return made;
  }

  /** Each reader has a DequantizeLinear of its own: runtimes take it into the operator. */
  #dequantized(x: string, layer: Layer): string {
    return this.#graph.op('DequantizeLinear', [this.#integers(x, layer), ...this.#grid(layer)]);
  }

  /** Scale and zero point of the layer's input. */
  #grid(layer: Layer): string[] {
    const { group } = quantizedLayer(layer.name)!;
    const scale = this.#graph.floats(`${group}.input_scale`, [], Float32Array.of(layer.inputScale));
    return [scale, this.#zeroPoint(layer)];
  }

  #zeroPoint({ signed }: Layer): string {
    if (this.#target === 'tensorrt') return this.#graph.constant('zero_s8', [], Int8Array.of(0));
    const zero = signed ? 128 : 0;
    return this.#graph.constant(`zero_${zero}`, [], Uint8Array.of(zero));
  }

  /** The weights lie as [inputs][outputs]: onnxruntime has no integer product for transposed ones with a scale per output. */
  #gemm(x: string, layer: Layer, attributes: Record<string, number>, { columns, output }: LinearOptions): string {
    const [outputs = 0, inputs = 0] = layer.shape;
    const { shape, data } = transposed({ shape: [outputs, inputs], data: layer.weight }, columns);
    const weight = this.#weightOf(layer, shape, data, 1);
    return this.#graph.op('Gemm', [x, weight, this.#biasOf(layer)], attributes, output);
  }

  #weightOf({ name, weightScales }: Layer, shape: number[], data: Int8Array, axis: number): string {
    const weight = this.#graph.constant(`${name}.weight`, shape, data);
    const scale = this.#graph.floats(`${name}.weight_scale`, [weightScales.length], weightScales);
    // onnxruntime makes an integer product only of weights with zero points, and may change them layer by layer.
    const zeros = this.#graph.constant(
      `${name}.weight_zero`,
      [weightScales.length],
      new Int8Array(weightScales.length),
    );
    return this.#graph.op('DequantizeLinear', [weight, scale, zeros], { axis });
  }

  /** onnxruntime takes the bias into the accumulators, in their units. */
  #biasOf({ name, inputScale, weightScales, bias }: Layer): string {
    const shape = [bias.length];
    if (this.#target === 'tensorrt') return this.#graph.floats(`${name}.bias`, shape, bias);
    const units = weightScales.map((scale) => scale * inputScale);
    const integers = Int32Array.from(bias, (value, o) => roundHalfEven(value / units[o]!));
    const scale = this.#graph.floats(`${name}.bias_scale`, shape, units);
    return this.#graph.op('DequantizeLinear', [this.#graph.constant(`${name}.bias`, shape, integers), scale], {
      axis: 0,
    });
  }

  /** A convolution with a float result. The weights are u8 with zero point 128: the signed kernel of onnxruntime is five times slower. */
  #convInteger(x: string, layer: Layer, options: ConvolutionOptions): string {
    const { name, shape, weight, weightScales, inputScale, bias } = layer;
    const isPlain = options.isNormalised === true;
    const sums = this.#graph.op(
      'ConvInteger',
      [
        this.#integers(x, layer),
        this.#graph.constant(
          `${name}.weight`,
          shape,
          Uint8Array.from(weight, (value) => value + 128),
        ),
        this.#zeroPoint(layer),
        this.#graph.constant('zero_128', [], Uint8Array.of(128)),
      ],
      windowAttributes(options as Window),
    );
    const units = weightScales.map((scale) => scale * inputScale);
    const scale = this.#graph.floats(`${name}.sum_scale`, [units.length], units);
    const result = this.#graph.op('DequantizeLinear', [sums, scale], { axis: 1 }, isPlain ? options.output : undefined);
    if (isPlain) return result;
    const offset = this.#graph.floats(`${name}.bias`, [1, bias.length, 1, 1], bias);
    return this.#graph.op('Add', [result, offset], {}, options.output);
  }
}
