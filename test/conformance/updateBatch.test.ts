// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import * as ort from 'onnxruntime-node';
import { contextGraph, featureGraph } from '../../src/network/onnx/encoderGraph.ts';
import { updateBatchGraph } from '../../src/network/onnx/updateBatchGraph.ts';
import { updateGraph } from '../../src/network/onnx/updateGraph.ts';
import { decodeElements, toHalves } from '../../src/network/weights/elements.ts';
import { correlationLength } from '../../src/network/weights/networkSizes.ts';
import type { Weights } from '../../src/network/weights/Weights.ts';
import { madeUpScales } from './madeUpScales.ts';
import { narrowed } from './narrowed.ts';
import { randomNumbers, randomWeights, TINY } from './randomNetwork.ts';

const CUBE = { sources: 4, targets: 5, patches: 3 };
/** Targets of each source: none, one, some, all. */
const COUNTS = [0, 1, 3, 5];
const D = TINY.hiddenDim;
const F = correlationLength(TINY);
const OUTPUTS = ['hiddenOut', 'delta', 'weight'] as const;

const full = randomWeights(TINY, 21);
const narrow = narrowed(randomWeights(TINY, 22));

describe('update operator of all sources at once', function () {
  this.timeout(60000);

  for (const [name, weights] of [
    ['full width', full],
    ['pruned', narrow],
  ] as const) {
    it(`${name}: every source gets what it gets alone`, async () => {
      // Sums in another order over at most 882 products of about 1; measured 7e-7.
      await compare(weights, 'fp32', 1e-5);
    });

    it(`${name}, fp16: the same up to the digits of half precision`, async () => {
      // 11 digits through some 30 layers, values up to about 5; measured 4e-3.
      await compare(weights, 'fp16', 0.02);
    });
  }

  it('in the int8 form for TensorRT every source gets what it gets alone in that form', async () => {
    const quantization = { scales: madeUpScales(full, 23), target: 'tensorrt' } as const;
    const problem = randomProblem();
    const graph = updateBatchGraph(full, TINY, CUBE, { quantization });
    const found = await runBatch(graph, problem, 'fp16');
    const alone = updateGraph(full, TINY, quantization);
    for (let source = 0; source < CUBE.sources; source++) {
      const expected = await runAlone(alone, problem, source);
      // Hidden states are rounded to half precision on their way in, and a value next to a tie may become the other integer; measured 0.025.
      for (const output of OUTPUTS) close(part(found[output], source), expected?.[output], 0.15, output);
    }
  });

  it('a form of the encoders in fp16 agrees with that in fp32', async () => {
    const random = randomNumbers(24);
    const image = new ort.Tensor('float32', fill(32 * 48, random), [1, 1, 32, 48]);
    const cells = new ort.Tensor('int32', Int32Array.of(0, 40, 95), [3]);
    for (const [graph, feeds] of [
      [featureGraph, { image }],
      [contextGraph, { image, cells }],
    ] as const) {
      const [wide, half] = await Promise.all([
        run(graph(full, TINY), feeds),
        run(graph(full, TINY, undefined, 'fp16'), feeds),
      ]);
      const [name] = Object.keys(wide) as [string];
      close([...(half[name]!.data as Float32Array)], [...(wide[name]!.data as Float32Array)], 0.01, name);
    }
  });
});

interface Problem {
  hidden: Float32Array;
  context: Float32Array;
  correlation: Float32Array;
  mask: Float32Array;
}

/** Slots without a target hold what gathering leaves there: zeros. */
function randomProblem(): Problem {
  const random = randomNumbers(25);
  const { sources, targets, patches } = CUBE;
  const mask = Float32Array.from({ length: sources * targets }, (_, slot) =>
    slot % targets < COUNTS[Math.floor(slot / targets)]! ? 1 : 0,
  );
  const edges = (width: number) =>
    fill(sources * targets * patches * width, random).map(
      (value, i) => value * mask[Math.floor(i / (patches * width))]!,
    );
  return { hidden: edges(D), context: fill(sources * patches * D, random), correlation: edges(F), mask };
}

async function compare(weights: Weights, precision: 'fp32' | 'fp16', tolerance: number): Promise<void> {
  const problem = randomProblem();
  const found = await runBatch(updateBatchGraph(weights, TINY, CUBE, { precision }), problem, precision);
  const alone = updateGraph(weights, TINY);
  for (let source = 0; source < CUBE.sources; source++) {
    const expected = await runAlone(alone, problem, source);
    for (const output of OUTPUTS) close(part(found[output], source), expected?.[output], tolerance, output);
  }
}

/** The edges of a source in an output of all. */
function part(values: Float32Array, source: number): number[] {
  assert.ok(values.every(Number.isFinite), 'masked slots are finite too');
  const width = values.length / (CUBE.sources * CUBE.targets);
  const start = source * CUBE.targets * width;
  return [...values.subarray(start, start + COUNTS[source]! * width)];
}

async function runBatch(graph: Uint8Array, problem: Problem, precision: 'fp32' | 'fp16') {
  const { sources: S, targets: T, patches: M } = CUBE;
  const tensor = (data: Float32Array, shape: number[]) =>
    precision === 'fp32' ? new ort.Tensor('float32', data, shape) : new ort.Tensor('float16', toHalves(data), shape);
  const outputs = await run(graph, {
    hidden: tensor(problem.hidden, [S, T, M, D]),
    context: tensor(problem.context, [S, 1, M, D]),
    correlation: tensor(problem.correlation, [S * T * M, F]),
    mask: tensor(problem.mask, [S, T, 1, 1]),
  });
  return Object.fromEntries(OUTPUTS.map((name) => [name, floatsOf(outputs[name]!)])) as Record<
    (typeof OUTPUTS)[number],
    Float32Array
  >;
}

/** The source in a graph of one; undefined when it has no targets. */
async function runAlone(graph: Uint8Array, { hidden, context, correlation }: Problem, source: number) {
  const { targets, patches: M } = CUBE;
  const T = COUNTS[source]!;
  if (T === 0) return undefined;
  const own = (data: Float32Array, slots: number, width: number, count: number) =>
    data.slice(source * slots * M * width, source * slots * M * width + count * M * width);
  const outputs = await run(graph, {
    hidden: new ort.Tensor('float32', own(hidden, targets, D, T), [T, M, D]),
    context: new ort.Tensor('float32', own(context, 1, D, 1), [1, M, D]),
    correlation: new ort.Tensor('float32', own(correlation, targets, F, T), [T * M, F]),
  });
  return Object.fromEntries(OUTPUTS.map((name) => [name, [...floatsOf(outputs[name]!)]]));
}

async function run(graph: Uint8Array, feeds: Record<string, ort.Tensor>) {
  const session = await ort.InferenceSession.create(graph, { logSeverityLevel: 3 });
  try {
    return await session.run(feeds);
  } finally {
    await session.release();
  }
}

function floatsOf({ type, data }: ort.Tensor): Float32Array {
  if (type === 'float32') return data as Float32Array;
  const halves = data as unknown as Uint16Array;
  return decodeElements(new Uint8Array(halves.buffer, halves.byteOffset, halves.byteLength), 'f16');
}

function fill(length: number, random: () => number): Float32Array {
  return Float32Array.from({ length }, () => 2 * random() - 1);
}

function close(found: number[], expected: number[] | undefined = [], tolerance: number, what: string): void {
  assert.equal(found.length, expected.length, what);
  const worst = found.reduce((most, value, i) => Math.max(most, Math.abs(value - expected[i]!)), 0);
  assert.ok(worst <= tolerance, `${what} differs by ${worst}`);
}
