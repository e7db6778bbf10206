// SPDX-License-Identifier: MIT
import type { NetworkSizes } from '../weights/networkSizes.ts';
import type { Weights, WeightTensor } from '../weights/Weights.ts';
import { GraphBuilder } from './GraphBuilder.ts';

/** The published network divides both encoder outputs by this; here it is folded into the last convolution. */
const OUTPUT_DIVISOR = 4;
const INSTANCE_NORM_EPSILON = 1e-5;

/**
 * Matching features. Input `image` [1][inputChannels][H][W], normalised as x = 2 I / 255 - 0.5; H and W are free.
 * Output `features` [1][featureDim][H/4][W/4].
 */
export function featureGraph(weights: Weights, sizes: NetworkSizes): Uint8Array {
  const graph = new GraphBuilder('features');
  const image = graph.input('image', 'float32', [1, sizes.inputChannels, 'H', 'W']);
  const encoder = new Encoder(graph, weights, 'patchify.fnet', true);
  encoder.project(encoder.trunk(image), 'features');
  graph.output('features', [1, sizes.featureDim, 'h', 'w']);
  return graph.encode();
}

/**
 * Context features at the patch centres. Inputs `image` as above and `cells` [M], the grid cells y * w + x of the centres.
 * Output `context` [M][hiddenDim]. The final 1x1 convolution is only evaluated at the cells, which is exact.
 */
export function contextGraph(weights: Weights, sizes: NetworkSizes): Uint8Array {
  const graph = new GraphBuilder('context');
  const image = graph.input('image', 'float32', [1, sizes.inputChannels, 'H', 'W']);
  const cells = graph.input('cells', 'int32', ['M']);
  const encoder = new Encoder(graph, weights, 'patchify.inet', false);
  const planes = graph.op('Reshape', [encoder.trunk(image), graph.integers([2 * sizes.width, -1])]);
  const columns = graph.op('Gather', [planes, cells], { axis: 1 });
  encoder.projectColumns(columns, 'context');
  graph.output('context', ['M', sizes.hiddenDim]);
  return graph.encode();
}

/** The residual encoder (Deep Patch Visual Odometry, arXiv 2208.04726, section 3.1); `norm` adds the instance norms of the matching encoder. */
class Encoder {
  readonly #graph: GraphBuilder;
  readonly #weights: Weights;
  readonly #name: string;
  readonly #norm: boolean;

  constructor(graph: GraphBuilder, weights: Weights, name: string, norm: boolean) {
    this.#graph = graph;
    this.#weights = weights;
    this.#name = name;
    this.#norm = norm;
  }

  /** Everything before the final 1x1 convolution: [1][2 width][H/4][W/4]. */
  trunk(image: string): string {
    let x = this.#relu(this.#conv(image, 'conv1', 2, 3));
    x = this.#block(x, 'layer1.0', 1);
    x = this.#block(x, 'layer1.1', 1);
    x = this.#block(x, 'layer2.0', 2);
    return this.#block(x, 'layer2.1', 1);
  }

  /** The final 1x1 convolution over the whole grid. */
  project(x: string, output: string): void {
    const { weight, bias } = this.#scaledHead();
    const inputs = [x, this.#graph.floats('conv2.weight', weight.shape, weight.data)];
    this.#graph.op('Conv', [...inputs, this.#graph.floats('conv2.bias', bias.shape, bias.data)], {}, output);
  }

  /** The final 1x1 convolution at gathered cells [2 width][M], as a product: [M][out]. */
  projectColumns(columns: string, output: string): void {
    const { weight, bias } = this.#scaledHead();
    const [outputs = 0, inputs = 0] = weight.shape;
    const matrix = this.#graph.floats('conv2.weight', [outputs, inputs], weight.data);
    const offset = this.#graph.floats('conv2.bias', bias.shape, bias.data);
    this.#graph.op('Gemm', [columns, matrix, offset], { transA: 1, transB: 1 }, output);
  }

  #block(x: string, name: string, stride: number): string {
    let y = this.#relu(this.#conv(x, `${name}.conv1`, stride, 1));
    y = this.#relu(this.#conv(y, `${name}.conv2`, 1, 1));
    const shortcut = stride === 1 ? x : this.#conv(x, `${name}.downsample.0`, stride, 0);
    return this.#relu(this.#graph.op('Add', [shortcut, y]));
  }

  #conv(x: string, name: string, stride: number, pad: number): string {
    const tensor = (part: string) => {
      const { shape, data } = this.#weights.get(`${this.#name}.${name}.${part}`)!;
      return this.#graph.floats(`${name}.${part}`, shape, data);
    };
    const y = this.#graph.op('Conv', [x, tensor('weight'), tensor('bias')], {
      strides: [stride, stride],
      pads: [pad, pad, pad, pad],
    });
    return this.#norm ? this.#instanceNorm(y, this.#weights.get(`${this.#name}.${name}.bias`)!.data.length) : y;
  }

  #instanceNorm(x: string, channels: number): string {
    const scale = this.#graph.floats(`ones_${channels}`, [channels], new Float32Array(channels).fill(1));
    const bias = this.#graph.floats(`zeros_${channels}`, [channels], new Float32Array(channels));
    return this.#graph.op('InstanceNormalization', [x, scale, bias], { epsilon: { float: INSTANCE_NORM_EPSILON } });
  }

  #relu(x: string): string {
    return this.#graph.op('Relu', [x]);
  }

  #scaledHead(): { weight: WeightTensor; bias: WeightTensor } {
    const scaled = (part: string) => {
      const { shape, data } = this.#weights.get(`${this.#name}.conv2.${part}`)!;
      return { shape, data: data.map((value) => value / OUTPUT_DIVISOR) };
    };
    return { weight: scaled('weight'), bias: scaled('bias') };
  }
}
