// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import type { CpuTensor, CpuUpdate, CpuUpdateBatch, CpuUpdateOptions } from '../../src/native/addon.ts';
import { loadAddon } from '../../src/native/loadAddon.ts';
import { openNativeUpdate } from '../../src/network/native/NativeUpdate.ts';
import { int8Weights } from '../../src/network/quantization/int8Weights.ts';
import type { RuntimeTensors } from '../../src/network/weights/RuntimeTensors.ts';
import { madeUpScales } from '../conformance/madeUpScales.ts';
import { randomWeights, TINY } from '../conformance/randomNetwork.ts';
import { RING_SLOTS, randomWorkload } from './updateWorkload.ts';

const PATCHES = 3;
const LENGTHS = [3, 2];
const PAIRS = 5;
const OPTIONS: CpuUpdateOptions = {
  hiddenDim: TINY.hiddenDim,
  correlationLength: 882,
  patches: PATCHES,
  ringSlots: RING_SLOTS,
  maxPairs: PAIRS,
  threads: 2,
  instructionSet: '',
};

const weights = randomWeights(TINY, 1);
const quantized = int8Weights(weights, madeUpScales(weights, 1));
const { CpuUpdate: Operator } = loadAddon();

describe('calls of the native update operator', () => {
  it('one at a time: the second is refused, also close, and the first is not disturbed', async () => {
    const update = await create();
    const { batch } = workload();
    const first = update.update(batch);
    assert.throws(() => update.update(batch), { code: 'QPVO_BUSY' });
    assert.throws(() => update.close(), { code: 'QPVO_BUSY' });
    await first;
    const expected = batch.hiddenOut.slice();
    await update.update(batch);
    assert.deepEqual(batch.hiddenOut, expected);
  });

  it('after close every call is refused; closing twice is no error', async () => {
    const update = await create();
    update.close();
    assert.throws(() => update.update(workload().batch), { code: 'QPVO_CLOSED' });
    assert.throws(() => update.instructionSet, { code: 'QPVO_CLOSED' });
    update.close();
  });

  it('changes of the tables and of the batch after the call do no harm', async () => {
    const update = await create();
    const { batch } = workload();
    await update.update(batch);
    const expected = batch.hiddenOut.slice();
    const { batch: other } = workload();
    const { hiddenOut } = other;
    const running = update.update(other);
    for (const table of [other.source, other.previous, other.next]) table.fill(1_000_000);
    other.hiddenOut = new Float32Array(0);
    await running;
    assert.deepEqual(hiddenOut, expected);
  });

  it('two operators work at the same time', async () => {
    const both = await Promise.all([create(), create()]);
    await Promise.all(both.map((update) => update.update(workload().batch)));
  });

  it('arrays that are too short or of another kind are refused', async () => {
    const update = await create();
    const { batch } = workload();
    for (const name of ['source', 'previous', 'next'] as const) {
      refused(update, { ...batch, [name]: batch[name].subarray(1) }, /expected a Int32Array of at least 5 elements/);
      refused(update, { ...batch, [name]: new Float32Array(PAIRS) }, /expected a Int32Array/);
    }
    for (const name of ['hiddenIn', 'hiddenOut', 'contextRing', 'correlation', 'delta', 'weight'] as const) {
      refused(update, { ...batch, [name]: batch[name].subarray(1) }, new RegExp(`${name}: expected a Float32Array`));
      refused(update, { ...batch, [name]: new Float64Array(batch[name].length) }, /expected a Float32Array/);
      refused(update, { ...batch, [name]: undefined }, /but received undefined/);
    }
    for (const count of [-1, PAIRS + 1, 0.5, Number.NaN])
      refused(update, { ...batch, count }, /count: expected an integer/);
    await update.update(batch);
  });

  it('tables that are not one chain per source are refused, whatever their numbers', async () => {
    const update = await create();
    const { batch } = workload();
    const first = batch.previous.indexOf(-1);
    const last = batch.next.indexOf(-1);
    const second = batch.next[first]!;
    const cases: [string, (tables: Tables) => void][] = [
      ['a source outside of the ring', ({ source }) => source.fill(RING_SLOTS)],
      ['a negative source', ({ source }) => source.fill(-1)],
      ['two chains of one source', ({ source }) => source.fill(0)],
      ['a pair of another source in a chain', ({ source }) => source.fill(1, last, last + 1)],
      ['a neighbour beyond the pairs', ({ next }) => next.fill(PAIRS, first, first + 1)],
      ['a neighbour below -1', ({ next }) => next.fill(-2, first, first + 1)],
      ['a neighbour far away', ({ next }) => next.fill(0x7fffffff, first, first + 1)],
      ['a pair that is its own neighbour', ({ next }) => next.fill(first, first, first + 1)],
      ['a chain that ends early', ({ next }) => next.fill(-1, first, first + 1)],
      ['no first pair', ({ previous }) => previous.fill(0)],
      ['only first pairs', ({ previous }) => previous.fill(-1)],
      ['neighbours that do not agree', ({ previous }) => previous.fill(last, second, second + 1)],
    ];
    for (const [name, spoil] of cases) {
      const tables = { source: batch.source.slice(), previous: batch.previous.slice(), next: batch.next.slice() };
      spoil(tables);
      assert.throws(() => update.update({ ...batch, ...tables }), { code: 'QPVO_INTERNAL' }, name);
    }
    await update.update(batch);
  });

  it('options out of range and unknown instruction sets are refused', async () => {
    for (const name of ['hiddenDim', 'correlationLength', 'patches', 'ringSlots', 'maxPairs', 'threads'] as const)
      assert.throws(() => create({ [name]: 0 }), { code: 'QPVO_INTERNAL', message: new RegExp(name) });
    await assert.rejects(create({ instructionSet: 'mmx' }), { code: 'QPVO_INTERNAL', message: /expected one that/ });
    assert.throws(() => new (Operator as unknown as { new (): CpuUpdate })(), { code: 'QPVO_INTERNAL' });
  });

  it('weights that are missing, of another shape or kind are refused', async () => {
    for (const name of quantized.keys()) {
      if (!name.startsWith('update.')) continue;
      await refusedModel(spoilt(name, undefined), name);
      const { shape, data } = quantized.get(name)!;
      await refusedModel(spoilt(name, { shape: [...shape, 1], data }), name);
    }
    await refusedModel(spoilt('update.norm.weight', { shape: [16], data: new Int8Array(16) }), 'update.norm.weight');
    const mismatched = { shape: [17], data: new Float32Array(16) };
    assert.throws(() => create({}, spoilt('update.norm.weight', mismatched)), { code: 'QPVO_INTERNAL' });
  });

  it('scales that are not positive and finite, or differ where the input is one, are refused', async () => {
    for (const value of [0, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
      const input = { shape: [1], data: Float32Array.of(value) };
      await refusedModel(spoilt('update.c1.0.input_scale', input), 'update.c1.0.input_scale');
      const scales = Float32Array.from({ length: 16 }, (_, n) => (n === 9 ? value : 1));
      await refusedModel(spoilt('update.c1.0.weight_scale', { shape: [16], data: scales }), 'update.c1.0.weight_scale');
    }
    const other = { shape: [1], data: Float32Array.of(0.5) };
    for (const layer of ['agg_kk.g', 'agg_ij.g', 'gru.1.res.0', 'gru.3.res.0']) {
      await refusedModel(spoilt(`update.${layer}.input_scale`, other), `update.${layer}.input_scale`);
      const float = weights.get(`update.${layer}.weight`)!;
      await refusedModel(spoilt(`update.${layer}.weight`, float), `update.${layer}.weight`);
    }
  });

  it('weights of the other precision are refused', async () => {
    for (const [tensors, precision] of [
      [weights, 'int8'],
      [quantized, 'fp32'],
    ] as const)
      await assert.rejects(openNativeUpdate(tensors, TINY, { threads: 1, precision }), { code: 'QPVO_MODEL' });
  });

  it('weights that do not fit are told when the model is opened', async () => {
    const tensors = new Map(quantized);
    tensors.delete('update.c1.0.input_scale');
    await assert.rejects(openNativeUpdate(tensors, TINY, { threads: 1, precision: 'int8' }), { code: 'QPVO_MODEL' });
  });

  it('an update before bind() is refused; another bind() takes other sizes', async () => {
    const update = await openNativeUpdate(weights, TINY, { threads: 2, precision: 'fp32' });
    const { batch, shape } = workload();
    await assert.rejects(update.update(batch), { code: 'QPVO_INTERNAL' });
    await update.bind({ ...shape, maxPairs: 1 });
    await assert.rejects(update.update(batch), { code: 'QPVO_INTERNAL' });
    await update.bind(shape);
    await update.update(batch);
    await update.close();
    await update.close();
  });
});

type Tables = Pick<CpuUpdateBatch, 'source' | 'previous' | 'next'>;

const workload = () => randomWorkload(TINY, LENGTHS, PATCHES, 2);

function create(
  options: Partial<CpuUpdateOptions> = {},
  tensors: Record<string, CpuTensor> = record(quantized),
): Promise<CpuUpdate> {
  return Operator.create({ ...OPTIONS, ...options }, tensors);
}

function record(tensors: RuntimeTensors): Record<string, CpuTensor> {
  return Object.fromEntries(tensors);
}

/** The int8 tensors with one changed or left out. */
function spoilt(name: string, tensor: CpuTensor | undefined): Record<string, CpuTensor> {
  const tensors = record(quantized);
  if (tensor === undefined) delete tensors[name];
  else tensors[name] = tensor;
  return tensors;
}

async function refusedModel(tensors: Record<string, CpuTensor>, name: string): Promise<void> {
  await assert.rejects(create({}, tensors), { code: 'QPVO_MODEL', message: /tensor update\..*expected/ }, name);
}

function refused(update: CpuUpdate, batch: unknown, message: RegExp): void {
  assert.throws(() => update.update(batch as CpuUpdateBatch), { code: 'QPVO_INTERNAL', message });
}
