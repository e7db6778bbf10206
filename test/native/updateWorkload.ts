// SPDX-License-Identifier: MIT

import type { NetworkShape, PairBatch } from '../../src/network/Network.ts';
import { correlationColumns } from '../../src/network/onnx/correlationColumns.ts';
import { UPDATE_LAYERS } from '../../src/network/quantization/quantizedLayers.ts';
import type { Scales } from '../../src/network/quantization/readScales.ts';
import type { NetworkSizes } from '../../src/network/weights/networkSizes.ts';
import { correlationLength } from '../../src/network/weights/networkSizes.ts';
import type { Weights } from '../../src/network/weights/Weights.ts';
import { type Edge, type EdgeListResult, edgeListUpdate } from '../conformance/edgeListUpdate.ts';
import type { Grid } from '../conformance/integerProducts.ts';
import { randomNumbers } from '../conformance/randomNetwork.ts';

export const RING_SLOTS = 24;
/** Elements around every array that an update writes. */
const GUARD = 64;
const SENTINEL = 12345.5;

export interface Workload {
  batch: PairBatch;
  shape: NetworkShape;
  /** Source frame, rank of the target and patch of every edge, in the order of the batch. */
  edges: Edge[];
  /** Whether nothing was written beside the outputs. */
  guardsHold(): boolean;
}

/** Chains of the given numbers of targets, their pairs in random order, the sources in the last ring slots. */
export function randomWorkload(sizes: NetworkSizes, lengths: number[], patches: number, seed: number): Workload {
  const random = randomNumbers(seed);
  const pairs = lengths
    .flatMap((length, index) => Array.from({ length }, (_, target) => ({ index, target, key: random() })))
    .sort((a, b) => a.key - b.key);
  const count = pairs.length;
  const at = (index: number, target: number) =>
    pairs.findIndex((pair) => pair.index === index && pair.target === target);
  const floats = (length: number, spread: number) => Float32Array.from({ length }, () => spread * (2 * random() - 1));
  const guarded: Float32Array[] = [];
  const output = (length: number) => {
    const whole = new Float32Array(length + 2 * GUARD).fill(SENTINEL);
    guarded.push(whole);
    return whole.subarray(GUARD, GUARD + length);
  };
  const { hiddenDim } = sizes;
  const batch: PairBatch = {
    count,
    source: Int32Array.from(pairs, ({ index }) => RING_SLOTS - 1 - index),
    sourceIndex: Int32Array.from(pairs, ({ index }) => index),
    previous: Int32Array.from(pairs, ({ index, target }) => at(index, target - 1)),
    next: Int32Array.from(pairs, ({ index, target }) => at(index, target + 1)),
    hiddenIn: floats(count * patches * hiddenDim, 1),
    hiddenOut: output(count * patches * hiddenDim),
    contextRing: floats(RING_SLOTS * patches * hiddenDim, 1),
    correlation: floats(count * patches * correlationLength(sizes), 2),
    delta: output(count * patches * 2),
    weight: output(count * patches * 2),
  };
  const edges = pairs.flatMap(({ index, target }) =>
    Array.from({ length: patches }, (_, m) => ({ i: index, j: target, k: index * patches + m })),
  );
  const guardsHold = () =>
    guarded.every((whole) => [...whole.subarray(0, GUARD), ...whole.subarray(-GUARD)].every((v) => v === SENTINEL));
  return { batch, shape: shapeOf(patches, count), edges, guardsHold };
}

/** Outputs are copies: the arrays are filled with NaN for the next update. */
export function takeOutputs({ batch }: Workload): Outputs {
  const take = (array: Float32Array) => {
    const copy = array.slice();
    array.fill(Number.NaN);
    return copy;
  };
  return { hidden: take(batch.hiddenOut), delta: take(batch.delta), weight: take(batch.weight) };
}

export interface Outputs {
  hidden: Float32Array;
  delta: Float32Array;
  weight: Float32Array;
}

/** The same update on a list of edges in double precision, or in the given arithmetic of the layers. */
export function plainUpdate(
  weights: Weights,
  sizes: NetworkSizes,
  { batch, edges, shape }: Workload,
  linearOf?: Parameters<typeof edgeListUpdate>[5],
): Outputs {
  const { patches } = shape;
  const { hiddenDim } = sizes;
  const columns = correlationColumns(sizes);
  const row = (array: Float32Array, at: number, length: number) =>
    Float64Array.from(array.subarray(at * length, (at + 1) * length));
  const hidden = edges.map((_, e) => row(batch.hiddenIn, e, hiddenDim));
  const context = edges.map(({ k }, e) =>
    row(batch.contextRing, batch.source[Math.floor(e / patches)]! * patches + (k % patches), hiddenDim),
  );
  const published = edges.map((_, e) => {
    const ours = row(batch.correlation, e, columns.length);
    const out = new Float64Array(columns.length);
    for (const [n, column] of columns.entries()) out[column] = ours[n]!;
    return out;
  });
  return flat(edgeListUpdate(weights, edges, hidden, context, published, linearOf));
}

function flat({ hidden, delta, weight }: EdgeListResult): Outputs {
  const join = (rows: Float64Array[]) => Float32Array.from(rows.flatMap((values) => [...values]));
  return { hidden: join(hidden), delta: join(delta), weight: join(weight) };
}

/** Grids of the scales, as onnxruntime and the native runtime use them. */
export function gridsOf(scales: Scales): Map<string, Grid> {
  return new Map(
    UPDATE_LAYERS.flatMap(({ name, signed }) => {
      const layer = scales.get(name);
      if (layer === undefined) return [];
      const range = signed ? { low: -128, high: 127 } : { low: 0, high: 255 };
      return [[name, { input: layer.input, weight: layer.weight, ...range }] as const];
    }),
  );
}

/** Largest and mean difference of the outputs. */
export function difference(actual: Outputs, expected: Outputs): { worst: number; mean: number } {
  let worst = 0;
  let sum = 0;
  let count = 0;
  for (const part of ['hidden', 'delta', 'weight'] as const) {
    for (const [n, value] of actual[part].entries()) {
      const off = Math.abs(value - expected[part][n]!);
      worst = off <= worst ? worst : off;
      sum += off;
    }
    count += actual[part].length;
  }
  return { worst, mean: sum / count };
}

function shapeOf(patches: number, maxPairs: number): NetworkShape {
  const buffers = {
    image: new Float32Array(0),
    cells: new Int32Array(0),
    features: new Float32Array(0),
    context: new Float32Array(0),
  };
  return { height: 64, width: 64, patches, maxPairs, maxSources: RING_SLOTS, ringSlots: RING_SLOTS, buffers };
}
