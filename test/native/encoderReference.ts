// SPDX-License-Identifier: MIT
// Both encoders over whole maps, written plainly: quantized layers with exact integer sums, everything else in double precision.
import type { CpuTensor } from '../../src/native/addon.ts';

export type Tensors = Record<string, CpuTensor>;

/** [channels][height][width] */
interface FeatureMap {
  channels: number;
  height: number;
  width: number;
  values: Float64Array;
}

/** Told the largest input of every layer, by the layer's name. */
export type Observe = (layer: string, largest: number) => void;

const EPSILON = 1e-5;

/** Matching features [F][h][w] of an image [C][height][width]. */
export function referenceFeatures(
  tensors: Tensors,
  image: Float32Array,
  width: number,
  height: number,
  observe?: Observe,
) {
  return new Reference(tensors, 'patchify.fnet', true, observe).run(image, width, height);
}

/** Context features of the whole grid, [D][h][w]. */
export function referenceContext(
  tensors: Tensors,
  image: Float32Array,
  width: number,
  height: number,
  observe?: Observe,
) {
  return new Reference(tensors, 'patchify.inet', false, observe).run(image, width, height);
}

/** Rounds to the nearest whole number, ties to even. */
function roundHalfToEven(x: number): number {
  const below = Math.floor(x);
  const rest = x - below;
  if (rest !== 0.5) return rest < 0.5 ? below : below + 1;
  return below % 2 === 0 ? below : below + 1;
}

class Reference {
  readonly #tensors: Tensors;
  readonly #name: string;
  readonly #norm: boolean;
  readonly #observe: Observe | undefined;

  constructor(tensors: Tensors, name: string, norm: boolean, observe?: Observe) {
    this.#tensors = tensors;
    this.#name = name;
    this.#norm = norm;
    this.#observe = observe;
  }

  run(image: Float32Array, width: number, height: number): Float64Array {
    const channels = image.length / (width * height);
    let x: FeatureMap = { channels, height, width, values: Float64Array.from(image) };
    x = rectified(this.#normed(this.#convolved(x, 'conv1', 2, 3)));
    x = this.#block(x, 'layer1.0', 1);
    x = this.#block(x, 'layer1.1', 1);
    x = this.#block(x, 'layer2.0', 2);
    x = this.#block(x, 'layer2.1', 1);
    return this.#convolved(this.#quantized(x, 'conv2'), 'conv2', 1, 0).values.map((value) => value / 4);
  }

  #block(input: FeatureMap, name: string, stride: number): FeatureMap {
    const x = this.#quantized(input, `${name}.conv1`);
    let y = rectified(this.#normed(this.#convolved(x, `${name}.conv1`, stride, 1)));
    y = this.#quantized(y, `${name}.conv2`);
    y = rectified(this.#normed(this.#convolved(y, `${name}.conv2`, 1, 1)));
    const shortcut = stride === 1 ? x : this.#normed(this.#convolved(x, `${name}.downsample.0`, stride, 0));
    return rectified({ ...y, values: y.values.map((value, i) => value + shortcut.values[i]!) });
  }

  #get(name: string) {
    return this.#tensors[`${this.#name}.${name}`]!;
  }

  /** What a layer sees of its input: multiples of its scale where it is quantized. */
  #quantized(x: FeatureMap, layer: string): FeatureMap {
    this.#observe?.(
      `${this.#name}.${layer}`,
      x.values.reduce((a, b) => Math.max(a, b), 0),
    );
    if (!(this.#get(`${layer}.weight`).data instanceof Int8Array)) return x;
    const scale = this.#get(`${layer}.input_scale`).data[0]!;
    return {
      ...x,
      values: x.values.map((value) => Math.min(255, Math.max(0, roundHalfToEven(value / scale))) * scale),
    };
  }

  #convolved(x: FeatureMap, layer: string, stride: number, pad: number): FeatureMap {
    const weight = this.#get(`${layer}.weight`);
    const bias = this.#get(`${layer}.bias`).data;
    const [outputs = 0, inputs = 0, size = 0] = weight.shape;
    const height = Math.floor((x.height + 2 * pad - size) / stride) + 1;
    const width = Math.floor((x.width + 2 * pad - size) / stride) + 1;
    const values = new Float64Array(outputs * height * width);
    const int8 = weight.data instanceof Int8Array;
    const step = int8 ? this.#get(`${layer}.input_scale`).data[0]! : 1;
    const units = int8 ? x.values.map((value) => Math.round(value / step)) : x.values;
    for (let o = 0; o < outputs; o++) {
      const unit = int8 ? step * this.#get(`${layer}.weight_scale`).data[o]! : 1;
      for (let y = 0; y < height; y++)
        for (let column = 0; column < width; column++) {
          let sum = 0;
          for (let ky = 0; ky < size; ky++)
            for (let kx = 0; kx < size; kx++) {
              const row = y * stride - pad + ky;
              const at = column * stride - pad + kx;
              if (row < 0 || row >= x.height || at < 0 || at >= x.width) continue;
              for (let i = 0; i < inputs; i++)
                sum +=
                  weight.data[((o * inputs + i) * size + ky) * size + kx]! *
                  units[(i * x.height + row) * x.width + at]!;
            }
          values[(o * height + y) * width + column] = sum * unit + bias[o]!;
        }
    }
    return { channels: outputs, height, width, values };
  }

  #normed(x: FeatureMap): FeatureMap {
    if (!this.#norm) return x;
    const plane = x.height * x.width;
    const values = new Float64Array(x.values.length);
    for (let c = 0; c < x.channels; c++) {
      const channel = x.values.subarray(c * plane, (c + 1) * plane);
      const mean = channel.reduce((a, b) => a + b, 0) / plane;
      const variance = channel.reduce((a, b) => a + (b - mean) ** 2, 0) / plane;
      for (let i = 0; i < plane; i++) values[c * plane + i] = (channel[i]! - mean) / Math.sqrt(variance + EPSILON);
    }
    return { ...x, values };
  }
}

function rectified(x: FeatureMap): FeatureMap {
  return { ...x, values: x.values.map((value) => Math.max(0, value)) };
}
