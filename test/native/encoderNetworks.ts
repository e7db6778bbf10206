// SPDX-License-Identifier: MIT
import type { CpuEncoderOptions, CpuTensor } from '../../src/native/addon.ts';
import { loadAddon } from '../../src/native/loadAddon.ts';
import { referenceContext, referenceFeatures, type Tensors } from './encoderReference.ts';
import { normal, random } from './makeOps.ts';

export interface EncoderWidths {
  inputChannels: 1 | 3;
  /** Channels of the first stage; the second has twice as many. */
  width: number;
  /** Channels inside the residual blocks layer1.0, layer1.1, layer2.0, layer2.1. */
  inner: [number, number, number, number];
  featureDim: number;
  hiddenDim: number;
}

/** Widths that are no multiples of anything. */
export const ODD: EncoderWidths = { inputChannels: 3, width: 5, inner: [3, 7, 9, 17], featureDim: 19, hiddenDim: 33 };
export const SMALL: EncoderWidths = {
  inputChannels: 1,
  width: 16,
  inner: [16, 16, 32, 32],
  featureDim: 64,
  hiddenDim: 128,
};
export const BASE: EncoderWidths = {
  inputChannels: 3,
  width: 32,
  inner: [32, 32, 64, 64],
  featureDim: 128,
  hiddenDim: 384,
};

export const BLOCKS = ['layer1.0', 'layer1.1', 'layer2.0', 'layer2.1'] as const;

/** Random fp32 tensors of both encoders, of a size that keeps activations near one. */
export function randomEncoder(widths: EncoderWidths, seed: number): Tensors {
  const next = random(seed);
  const tensors: Tensors = {};
  const layer = (name: string, outputs: number, inputs: number, size: number) => {
    const spread = Math.sqrt(2 / (inputs * size * size));
    const weight = Float32Array.from({ length: outputs * inputs * size * size }, () => normal(next) * spread);
    tensors[`${name}.weight`] = { shape: [outputs, inputs, size, size], data: weight };
    tensors[`${name}.bias`] = vector(Float32Array.from({ length: outputs }, () => normal(next) * 0.1));
  };
  const { width, inner } = widths;
  for (const [net, out] of [
    ['patchify.fnet', widths.featureDim],
    ['patchify.inet', widths.hiddenDim],
  ] as const) {
    layer(`${net}.conv1`, width, widths.inputChannels, 7);
    BLOCKS.forEach((block, b) => {
      const outputs = b < 2 ? width : 2 * width;
      const inputs = b < 3 ? width : 2 * width;
      layer(`${net}.${block}.conv1`, inner[b]!, inputs, 3);
      layer(`${net}.${block}.conv2`, outputs, inner[b]!, 3);
      if (b === 2) layer(`${net}.${block}.downsample.0`, outputs, inputs, 1);
    });
    layer(`${net}.conv2`, out, 2 * width, 1);
  }
  return tensors;
}

/** Smooth structure and noise, about -0.5 .. 1.5. */
export function randomImage(channels: number, width: number, height: number, seed: number): Float32Array {
  const next = random(seed);
  return Float32Array.from({ length: channels * width * height }, (_, i) => {
    const [x, y] = [i % width, Math.floor(i / width)];
    return 0.5 + 0.5 * Math.sin(x / 7 + seed) * Math.cos(y / 5) + (next() - 0.5);
  });
}

/**
 * Every layer but the stem and those named in int8: weights by their largest value, inputs by the largest value they take on this image (min-max).
 * Layers named in `floats` stay as they are.
 */
export function quantizedEncoder(
  tensors: Tensors,
  image: Float32Array,
  width: number,
  height: number,
  floats: string[] = [],
): Tensors {
  const largest = new Map<string, number>();
  const observe = (layer: string, value: number) => largest.set(layer, value);
  referenceFeatures(tensors, image, width, height, observe);
  referenceContext(tensors, image, width, height, observe);
  for (const net of ['fnet', 'inet'])
    largest.set(`patchify.${net}.layer2.0.downsample.0`, largest.get(`patchify.${net}.layer2.0.conv1`)!);
  const out = { ...tensors };
  for (const [layer, value] of largest) {
    if (floats.some((name) => layer.endsWith(name))) continue;
    const weight = tensors[`${layer}.weight`]!;
    const scales = rowScales(weight);
    const row = weight.data.length / scales.length;
    out[`${layer}.weight`] = {
      shape: weight.shape,
      data: Int8Array.from(weight.data, (w, i) => Math.round(w / scales[Math.floor(i / row)]!)),
    };
    out[`${layer}.weight_scale`] = vector(scales);
    out[`${layer}.input_scale`] = vector(Float32Array.of(value / 255));
  }
  return out;
}

function rowScales({ shape, data }: CpuTensor): Float32Array {
  const row = data.length / shape[0]!;
  return Float32Array.from({ length: shape[0]! }, (_, o) => {
    const values = data.subarray(o * row, (o + 1) * row);
    return Math.max(1e-9, ...values.map(Math.abs)) / 127;
  });
}

function vector(data: Float32Array): CpuTensor {
  return { shape: [data.length], data };
}

export interface Encoded {
  features: Float32Array;
  context: Float32Array;
}

/** Runs the native encoders once. */
export async function encodeNative(
  tensors: Tensors,
  image: Float32Array,
  cells: number[],
  options: Partial<CpuEncoderOptions> & { width: number; height: number },
): Promise<Encoded> {
  const encoder = await loadAddon().CpuEncoder.create({ threads: 2, instructionSet: '', ...options }, tensors);
  const [w, h] = [Math.ceil(options.width / 4), Math.ceil(options.height / 4)];
  const features = new Float32Array(tensors['patchify.fnet.conv2.weight']!.shape[0]! * w * h).fill(Number.NaN);
  const context = new Float32Array(tensors['patchify.inet.conv2.weight']!.shape[0]! * cells.length).fill(Number.NaN);
  await encoder.encode(image, Int32Array.from(cells), features, context);
  encoder.close();
  return { features, context };
}

/** Every cell of the grid. */
export function allCells(width: number, height: number): number[] {
  return Array.from({ length: Math.ceil(width / 4) * Math.ceil(height / 4) }, (_, cell) => cell);
}

/** Largest difference as a share of the largest expected value; infinite where there is NaN. */
export function difference(got: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (got.length !== expected.length) throw new Error(`${got.length} values instead of ${expected.length}`);
  let [largest, worst] = [0, 0];
  for (let i = 0; i < expected.length; i++) {
    const off = Math.abs(got[i]! - expected[i]!);
    largest = Math.max(largest, Math.abs(expected[i]!));
    worst = Number.isNaN(off) ? Number.POSITIVE_INFINITY : Math.max(worst, off);
  }
  return worst / largest;
}

/** [M][D] at cells from [D][h][w]. */
export function atCells(planes: Float64Array, cells: number[], gridCells: number): Float64Array {
  const dim = planes.length / gridCells;
  return Float64Array.from(
    { length: cells.length * dim },
    (_, i) => planes[(i % dim) * gridCells + cells[Math.floor(i / dim)]!]!,
  );
}
