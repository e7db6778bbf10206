// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { loadAddon } from '../../src/native/loadAddon.ts';
import { openNativeUpdate } from '../../src/network/native/NativeUpdate.ts';
import { openOnnxRuntimes } from '../../src/network/OnnxLanes.ts';
import { updateGraph } from '../../src/network/onnx/updateGraph.ts';
import { inferSizes, type NetworkSizes } from '../../src/network/weights/networkSizes.ts';
import { readWeights } from '../../src/network/weights/readWeights.ts';
import type { Weights } from '../../src/network/weights/Weights.ts';
import { narrowed } from '../conformance/narrowed.ts';
import { randomWeights, TINY } from '../conformance/randomNetwork.ts';
import { difference, type Outputs, plainUpdate, randomWorkload, takeOutputs, type Workload } from './updateWorkload.ts';

/** Single precision over chains of about 20 layers, logits of softmax included; measured 2e-5. */
const TOLERANCE = 1e-4;
const LENGTHS = [2, 21, 1];
const { instructionSets } = loadAddon().CpuUpdate;

const small = readWeights('models/small/weights.safetensors');
const odd: NetworkSizes = { ...TINY, hiddenDim: 21 };
const wide: NetworkSizes = { ...TINY, hiddenDim: 384 };

const NETWORKS: { name: string; weights: Weights; sizes: NetworkSizes; patches: number[]; lengths: number[] }[] = [
  { name: 'the model small', weights: small, sizes: inferSizes(small), patches: [1, 5, 24, 48, 96], lengths: LENGTHS },
  {
    name: 'a random network with widths of no multiple of 4',
    weights: narrowed(randomWeights(odd, 3)),
    sizes: odd,
    patches: [1, 5, 24],
    lengths: LENGTHS,
  },
  { name: 'the widths of base', weights: randomWeights(wide, 4), sizes: wide, patches: [24], lengths: [3, 1] },
];

describe('native update operator in fp32', function () {
  this.timeout(60000);

  for (const { name, weights, sizes, patches, lengths } of NETWORKS) {
    for (const M of patches) {
      it(`${name}, ${M} patches: as onnxruntime`, async () => {
        const workload = randomWorkload(sizes, lengths, M, M);
        const expected = await onnxUpdate(weights, sizes, workload);
        const { worst } = difference(await nativeUpdate(weights, sizes, workload), expected);
        assert.ok(worst <= TOLERANCE, `differs by ${worst}`);
        assert.ok(workload.guardsHold(), 'wrote beside the outputs');
      });
    }
  }

  for (const instructionSet of instructionSets) {
    it(`${instructionSet}: as a list of edges in double precision`, async () => {
      const weights = narrowed(randomWeights(odd, 5));
      const workload = randomWorkload(odd, [4, 1], 7, 5);
      const actual = await nativeUpdate(weights, odd, workload, { instructionSet });
      const { worst } = difference(actual, plainUpdate(weights, odd, workload));
      assert.ok(worst <= TOLERANCE, `differs by ${worst}`);
      assert.ok(workload.guardsHold(), 'wrote beside the outputs');
    });
  }

  it('logits a hundred apart: the mean is that of the largest', async () => {
    const weights = randomWeights(TINY, 77);
    for (const group of ['agg_kk', 'agg_ij']) {
      const { data } = weights.get(`update.${group}.g.weight`)!;
      for (let n = 0; n < data.length; n++) data[n]! *= 30;
    }
    const workload = randomWorkload(TINY, [5, 5], 3, 77);
    const { worst } = difference(await nativeUpdate(weights, TINY, workload), plainUpdate(weights, TINY, workload));
    assert.ok(worst <= TOLERANCE, `differs by ${worst}`);
  });

  it('the same bits with one thread, two and five, and again', async () => {
    const workload = randomWorkload(inferSizes(small), [7, 5, 5, 2, 1], 8, 6);
    const outputs = [];
    for (const threads of [1, 2, 5, 2])
      outputs.push(await nativeUpdate(small, inferSizes(small), workload, { threads }));
    for (const other of outputs.slice(1)) assert.deepEqual(other, outputs[0]);
  });

  it('gives nothing for no pairs', async () => {
    const workload = randomWorkload(TINY, [2], 3, 8);
    const update = await openNativeUpdate(randomWeights(TINY, 8), TINY, { threads: 2, precision: 'fp32' });
    await update.bind(workload.shape);
    takeOutputs(workload);
    await update.update({ ...workload.batch, count: 0 });
    assert.ok(workload.batch.hiddenOut.every(Number.isNaN));
    await update.close();
  });
});

async function nativeUpdate(
  weights: Weights,
  sizes: NetworkSizes,
  workload: Workload,
  { threads = 2, instructionSet = '' } = {},
): Promise<Outputs> {
  const update = await openNativeUpdate(weights, sizes, { threads, precision: 'fp32', instructionSet });
  await update.bind(workload.shape);
  await update.update(workload.batch);
  await update.close();
  return takeOutputs(workload);
}

async function onnxUpdate(weights: Weights, sizes: NetworkSizes, workload: Workload): Promise<Outputs> {
  const { update } = await openOnnxRuntimes({ update: updateGraph(weights, sizes) }, sizes, 2);
  await update!.bind(workload.shape);
  await update!.update(workload.batch);
  await update!.close();
  return takeOutputs(workload);
}
