// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { loadAddon } from '../../src/native/loadAddon.ts';
import { openNativeUpdate } from '../../src/network/native/NativeUpdate.ts';
import type { UpdateRuntime } from '../../src/network/parts.ts';
import { int8Weights } from '../../src/network/quantization/int8Weights.ts';
import { UPDATE_LAYERS } from '../../src/network/quantization/quantizedLayers.ts';
import { roundHalfEven } from '../../src/network/quantization/quantizeWeights.ts';
import type { LayerScales, Scales } from '../../src/network/quantization/readScales.ts';
import { inferSizes, type NetworkSizes } from '../../src/network/weights/networkSizes.ts';
import { readWeights } from '../../src/network/weights/readWeights.ts';
import type { Weights } from '../../src/network/weights/Weights.ts';
import { IntegerProducts } from '../conformance/integerProducts.ts';
import { madeUpScales } from '../conformance/madeUpScales.ts';
import { narrowed } from '../conformance/narrowed.ts';
import { randomWeights, TINY } from '../conformance/randomNetwork.ts';
import {
  difference,
  gridsOf,
  type Outputs,
  plainUpdate,
  randomWorkload,
  takeOutputs,
  type Workload,
} from './updateWorkload.ts';

/**
 * A value next to a tie may be rounded to the other integer where two forms differ in the last bit, and exchanges between edges spread that. So the mean is held far
 * below half a step of the integers (0.01), which any other rounding, scale or order would exceed, and the worst to a few steps. Measured 3e-5 and 0.01.
 */
const TIES = { mean: 5e-4, worst: 0.05 };
/** Where no value lies next to a tie, or exactly on one: single precision. */
const EXACT = { mean: 1e-5, worst: 1e-4 };

const odd: NetworkSizes = { ...TINY, hiddenDim: 37 };
const groups = [...new Set(UPDATE_LAYERS.map(({ group }) => group))];
const { instructionSets } = loadAddon().CpuUpdate;

describe('native update operator in int8 against whole numbers in plain loops', function () {
  this.timeout(60000);
  const weights = narrowed(randomWeights(odd, 11));
  const all = madeUpScales(weights, 11);

  for (const group of groups) {
    it(`${group} alone`, async () => {
      const only = new Map([...all].filter(([name]) => groupOf(name) === group));
      await compare(weights, odd, only, randomWorkload(odd, [3, 1], 5, 12));
    });

    it(`all but ${group}`, async () => {
      const others = new Map([...all].filter(([name]) => groupOf(name) !== group));
      await compare(weights, odd, others, randomWorkload(odd, [3, 1], 5, 13));
    });
  }

  for (const instructionSet of instructionSets) {
    for (const patches of [1, 5, 24]) {
      it(`${instructionSet}: every layer, ${patches} patches`, async () => {
        await compare(weights, odd, all, randomWorkload(odd, [2, 5, 1], patches, 14), instructionSet);
      });
    }

    it(`${instructionSet}: sums of the largest integers neither saturate nor overflow`, async () => {
      const large = randomWeights(TINY, 9);
      for (const [layer, bias] of [
        ['corr.0', 255],
        ['corr.2', -255 * 16],
      ] as const) {
        large.get(`update.${layer}.weight`)!.data.fill(layer === 'corr.0' ? 0 : 1);
        large.get(`update.${layer}.bias`)!.data.fill(bias);
      }
      // Outputs of corr.2 differ in their weights, or the norm after it would see no difference.
      const { data } = large.get('update.corr.2.weight')!;
      for (let n = 0; n < data.length; n += 17) data[n] = -1;
      const scales: Scales = new Map([['update.corr.2', { input: 1, weight: new Float32Array(16).fill(1 / 127) }]]);
      const workload = randomWorkload(TINY, [2], 3, 9);
      await compare(large, TINY, scales, workload, instructionSet, EXACT);
      await compareFirstLayer(instructionSet);
    });
  }

  for (const instructionSet of instructionSets) {
    it(`${instructionSet}: a value in the middle goes to the even integer`, async () => {
      const scales: Scales = new Map([['update.corr.0', { ...all.get('update.corr.0')!, input: 1 / 64 }]]);
      const workload = randomWorkload(odd, [2, 1], 5, 18);
      for (const [n, value] of workload.batch.correlation.entries())
        workload.batch.correlation[n] = (Math.round(value * 40) + 0.5) / 64;
      await compare(weights, odd, scales, workload, instructionSet, EXACT);
    });
  }

  for (const instructionSet of instructionSets) {
    it(`${instructionSet}: a correlation in bytes gives the same bits`, async () => {
      for (const patches of [1, 5, 24]) {
        const workload = randomWorkload(odd, [2, 5, 1], patches, 19);
        const floats = await nativeUpdate(weights, odd, all, workload, instructionSet);
        const { scale, zero } = (await opened(weights, odd, all, instructionSet)).correlationForm!;
        const correlationBytes = inBytes(workload, scale, zero);
        workload.batch.correlation.fill(Number.NaN);
        const inputs = { ...workload, batch: { ...workload.batch, correlationBytes } };
        assert.deepEqual(await nativeUpdate(weights, odd, all, inputs, instructionSet), floats);
      }
    });
  }

  it('a correlation in bytes is refused by a first layer in fp32, or when it is too short', async () => {
    const workload = randomWorkload(odd, [2], 3, 20);
    const withBytes = (length: number) => ({
      ...workload,
      batch: { ...workload.batch, correlationBytes: new Uint8Array(length) },
    });
    const others = new Map([...all].filter(([name]) => name !== 'update.corr.0'));
    assert.equal((await opened(weights, odd, others)).correlationForm, undefined);
    await assert.rejects(
      nativeUpdate(weights, odd, others, withBytes(1e6)),
      /expected a Float32Array for a first layer/,
    );
    await assert.rejects(
      nativeUpdate(weights, odd, all, withBytes(64)),
      /correlation: expected a Uint8Array of at least/,
    );
  });

  it('the model small, with scales from the ranges of a run', async () => {
    const small = readWeights('models/small/weights.safetensors');
    const sizes = inferSizes(small);
    const workload = randomWorkload(sizes, [3, 1], 6, 15);
    await compare(small, sizes, rangeScales(small, sizes, workload), workload);
  });

  it('the same bits with one thread, two and five, and again', async () => {
    const workload = randomWorkload(odd, [7, 5, 5, 2, 1], 8, 16);
    const outputs = [];
    for (const threads of [1, 2, 5, 2]) outputs.push(await nativeUpdate(weights, odd, all, workload, '', threads));
    for (const other of outputs.slice(1)) assert.deepEqual(other, outputs[0]);
  });

  it('values far beyond the range, infinite ones among them, are clamped', async () => {
    const workload = randomWorkload(odd, [2], 3, 17);
    const only = new Map([...all].filter(([name]) => name === 'update.corr.0'));
    const far = [1e30, -1e30, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 5e4];
    for (let n = 0; n < workload.batch.correlation.length; n += 7) workload.batch.correlation[n] = far[n % far.length]!;
    await compare(weights, odd, only, workload);
  });
});

const groupOf = (name: string) => UPDATE_LAYERS.find((layer) => layer.name === name)?.group;

/** corr.0 with 882 products of the largest integers, of either sign. */
async function compareFirstLayer(instructionSet: string): Promise<void> {
  const weights = randomWeights(TINY, 19);
  const { data } = weights.get('update.corr.0.weight')!;
  for (let n = 0; n < data.length; n++) data[n] = Math.floor(n / 882) % 2 === 0 ? 1 : -1;
  for (let n = 0; n < data.length; n += 100) data[n] = 0;
  const scales: Scales = new Map([['update.corr.0', { input: 0.01, weight: new Float32Array(16).fill(1 / 127) }]]);
  for (const value of [-1.28, 1.27]) {
    const workload = randomWorkload(TINY, [2], 3, 9);
    workload.batch.correlation.fill(value);
    await compare(weights, TINY, scales, workload, instructionSet, EXACT);
  }
}

async function compare(
  weights: Weights,
  sizes: NetworkSizes,
  scales: Scales,
  workload: Workload,
  instructionSet = '',
  tolerance = TIES,
): Promise<void> {
  const products = new IntegerProducts(weights, gridsOf(scales));
  const expected = plainUpdate(weights, sizes, workload, (name) => products.linear(name));
  const { worst, mean } = difference(await nativeUpdate(weights, sizes, scales, workload, instructionSet), expected);
  assert.ok(mean <= tolerance.mean && worst <= tolerance.worst, `differs by ${mean} in the mean, ${worst} at most`);
  assert.ok(workload.guardsHold(), 'wrote beside the outputs');
}

async function nativeUpdate(
  weights: Weights,
  sizes: NetworkSizes,
  scales: Scales,
  workload: Workload,
  instructionSet = '',
  threads = 2,
): Promise<Outputs> {
  const update = await opened(weights, sizes, scales, instructionSet, threads);
  await update.bind(workload.shape);
  await update.update(workload.batch);
  await update.close();
  return takeOutputs(workload);
}

function opened(
  weights: Weights,
  sizes: NetworkSizes,
  scales: Scales,
  instructionSet = '',
  threads = 2,
): Promise<UpdateRuntime> {
  return openNativeUpdate(int8Weights(weights, scales), sizes, { threads, precision: 'int8', instructionSet });
}

/** The correlation of a workload as the ops leave it: rows of a multiple of 64 bytes, 32 more of them. */
function inBytes({ batch, edges }: Workload, scale: number, zero: number): Uint8Array {
  const length = batch.correlation.length / edges.length;
  const stride = 64 * Math.ceil(length / 64);
  const bytes = new Uint8Array((edges.length + 32) * stride);
  batch.correlation.forEach((v, i) => {
    const steps = Math.min(127, Math.max(-128, roundHalfEven(Math.fround(v * Math.fround(1 / scale)))));
    bytes[Math.floor(i / length) * stride + (i % length)] = steps + zero;
  });
  return bytes;
}

/** Scales of which no value of the workload is clamped. */
function rangeScales(weights: Weights, sizes: NetworkSizes, workload: Workload): Scales {
  const largest = new Map<string, number>();
  const products = new IntegerProducts(weights, new Map());
  plainUpdate(weights, sizes, workload, (name) => {
    const linear = products.linear(name);
    return (row) => {
      const group = groupOf(name) ?? name;
      for (const value of row) largest.set(group, Math.max(largest.get(group) ?? 0, Math.abs(value)));
      return linear(row);
    };
  });
  const made = madeUpScales(weights, 1);
  return new Map(
    UPDATE_LAYERS.map(({ name, group, signed }): [string, LayerScales] => [
      name,
      { input: Math.fround(largest.get(group)! / (signed ? 127 : 255)), weight: made.get(name)!.weight },
    ]),
  );
}
