// SPDX-License-Identifier: MIT
import type { NetworkSizes } from '../weights/networkSizes.ts';
import type { Weights } from '../weights/Weights.ts';
import { GraphBuilder, type InnerPrecision } from './GraphBuilder.ts';
import { type GraphQuantization, innerPrecision, productsOf } from './graphQuantization.ts';
import type { Products } from './Products.ts';

/** The published network divides both encoder outputs by this; here it is folded into the last convolution. */
const OUTPUT_DIVISOR = 4;
const INSTANCE_NORM_EPSILON = 1e-5;
const HEAD = 'conv2';

/**
 * Matching features. Input `image` [1][inputChannels][H][W], normalised as x = 2 I / 255 - 0.5; H and W are free.
 * Output `features` [1][featureDim][H/4][W/4].
 *
 * @param precision of what is not quantized
 */
export function featureGraph(
  weights: Weights,
  sizes: NetworkSizes,
  quantization?: GraphQuantization,
  precision: InnerPrecision = innerPrecision(quantization),
): Uint8Array {
  const graph = new GraphBuilder('features', precision);
  const image = graph.input('image', 'float32', [1, sizes.inputChannels, 'H', 'W']);
  const encoder = new Encoder(graph, weights, 'patchify.fnet', true, quantization);
  encoder.project(encoder.trunk(image), 'features');
  graph.output('features', [1, sizes.featureDim, 'h', 'w']);
  return graph.encode();
}

/**
 * Context features at the patch centres. Inputs `image` as above and `cells` [M], the grid cells y * w + x of the centres.
 * Output `context` [M][hiddenDim]. The final 1x1 convolution is only evaluated at the cells, which is exact.
 */
export function contextGraph(
  weights: Weights,
  sizes: NetworkSizes,
  quantization?: GraphQuantization,
  precision: InnerPrecision = innerPrecision(quantization),
): Uint8Array {
  const graph = new GraphBuilder('context', precision);
  const image = graph.input('image', 'float32', [1, sizes.inputChannels, 'H', 'W']);
  const cells = graph.input('cells', 'int32', ['M']);
  const encoder = new Encoder(graph, weights, 'patchify.inet', false, quantization);
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
  readonly #products: Products;
  readonly #name: string;
  readonly #norm: boolean;

  constructor(
    graph: GraphBuilder,
    weights: Weights,
    name: string,
    norm: boolean,
    quantization: GraphQuantization | undefined,
  ) {
    const head = `${name}.${HEAD}`;
    this.#graph = graph;
    this.#weights = weights;
    this.#products = productsOf(graph, divided(weights, head), `${name}.`, dividedScales(quantization, head));
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
    this.#products.convolution(x, this.#layer(HEAD), { stride: 1, pad: 0, output });
  }

  /** The final 1x1 convolution at gathered cells [2 width][M], as a product: [M][out]. */
  projectColumns(columns: string, output: string): void {
    this.#products.linearOfColumns(columns, this.#layer(HEAD), output);
  }

  /** A quantized shortcut is the block's input as its first convolution gets it: it need not be kept in floating point beside the integers. */
  #block(x: string, name: string, stride: number): string {
    let y = this.#relu(this.#conv(x, `${name}.conv1`, stride, 1, `${name}.conv2`));
    y = this.#relu(this.#conv(y, `${name}.conv2`, 1, 1));
    const shortcut =
      stride === 1
        ? this.#products.seenBy(this.#layer(`${name}.conv1`), x)
        : this.#conv(x, `${name}.downsample.0`, stride, 0);
    return this.#relu(this.#graph.op('Add', [shortcut, y]));
  }

  #conv(x: string, name: string, stride: number, pad: number, onlyReader?: string): string {
    const y = this.#products.convolution(x, this.#layer(name), {
      stride,
      pad,
      isNormalised: this.#norm,
      ...(onlyReader === undefined || this.#norm ? {} : { onlyReader: this.#layer(onlyReader) }),
    });
    return this.#norm ? this.#instanceNorm(y, this.#weights.get(`${this.#layer(name)}.bias`)!.data.length) : y;
  }

  #instanceNorm(x: string, channels: number): string {
    const scale = this.#graph.floats(`ones_${channels}`, [channels], new Float32Array(channels).fill(1));
    const bias = this.#graph.floats(`zeros_${channels}`, [channels], new Float32Array(channels));
    return this.#graph.op('InstanceNormalization', [x, scale, bias], { epsilon: { float: INSTANCE_NORM_EPSILON } });
  }

  #relu(x: string): string {
    return this.#graph.op('Relu', [x]);
  }

  #layer(name: string): string {
    return `${this.#name}.${name}`;
  }
}

/** The weights with those of the head divided. */
function divided(weights: Weights, head: string): Weights {
  const scaled = (name: string) => {
    const { shape, data } = weights.get(name)!;
    return { shape, data: data.map((value) => value / OUTPUT_DIVISOR) };
  };
  return new Map([...weights, ...[`${head}.weight`, `${head}.bias`].map((name) => [name, scaled(name)] as const)]);
}

/** The scales of the divided weights: their integers stay the same. */
function dividedScales(quantization: GraphQuantization | undefined, head: string): GraphQuantization | undefined {
  const scales = quantization?.scales.get(head);
  if (quantization === undefined || scales === undefined) return quantization;
  const weight = scales.weight.map((scale) => scale / OUTPUT_DIVISOR);
  return { ...quantization, scales: new Map([...quantization.scales, [head, { ...scales, weight }]]) };
}
