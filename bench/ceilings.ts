// SPDX-License-Identifier: MIT
import { availableParallelism } from 'node:os';
import { GraphBuilder } from '../src/network/onnx/GraphBuilder.ts';
import { openSession, tensor } from '../src/network/session.ts';
import type { Cost } from './stageCosts.ts';

/** What this machine can do at best, as far as programs at hand show it. */
export interface Ceilings {
  threads: number;
  /** fp32 arithmetic on all cores, 2 FLOP per multiply-accumulate: a square matrix product by onnxruntime. */
  gflops: number;
  /** Bytes read and written per second on arrays larger than the caches: the better of one thread copying, and onnxruntime adding two arrays. */
  gbPerS: number;
}

const MATRIX_SIDE = 1536;
/** 256 MB each. */
const ARRAY_LENGTH = 2 ** 26;
const ROUNDS = 20;

export async function measureCeilings(threads: number = availableParallelism()): Promise<Ceilings> {
  const copy = copyGbPerS();
  const add = (3 * 4 * ARRAY_LENGTH) / (await bestMs('Add', [ARRAY_LENGTH], threads)) / 1e6;
  const gflops = (2 * MATRIX_SIDE ** 3) / (await bestMs('MatMul', [MATRIX_SIDE, MATRIX_SIDE], threads)) / 1e6;
  return { threads, gflops, gbPerS: Math.max(copy, add) };
}

/** The least time in which the machine can do this work, milliseconds, and what sets it. */
export function floorOf(
  { mac, bytes }: Cost,
  { gflops, gbPerS }: Ceilings,
): { ms: number; by: 'arithmetic' | 'memory' } {
  const arithmeticMs = (2 * mac) / gflops / 1e6;
  const memoryMs = bytes / gbPerS / 1e6;
  return arithmeticMs >= memoryMs ? { ms: arithmeticMs, by: 'arithmetic' } : { ms: memoryMs, by: 'memory' };
}

/** Shortest time of a node with two inputs of this shape. */
async function bestMs(type: string, shape: number[], threads: number): Promise<number> {
  const graph = new GraphBuilder(type);
  graph.op(type, [graph.input('a', 'float32', shape), graph.input('b', 'float32', shape)], {}, 'c');
  graph.output('c', shape);
  const session = await openSession(graph.encode(), `${type} of the ceilings`, threads);
  const length = shape.reduce((product, side) => product * side);
  const [a, b, c] = [0.5, 0.25, 0].map((value) => tensor(new Float32Array(length).fill(value), shape));
  const ms = await shortest(() => session.run({ a: a!, b: b! }, { c: c! }));
  await session.release();
  return ms;
}

function copyGbPerS(): number {
  const from = new Float32Array(ARRAY_LENGTH).fill(1);
  const to = new Float32Array(ARRAY_LENGTH);
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < ROUNDS; round++) {
    const start = performance.now();
    to.set(from);
    best = Math.min(best, performance.now() - start);
  }
  return (2 * 4 * ARRAY_LENGTH) / best / 1e6;
}

async function shortest(work: () => Promise<unknown>): Promise<number> {
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < ROUNDS; round++) {
    const start = performance.now();
    await work();
    best = Math.min(best, performance.now() - start);
  }
  return best;
}
