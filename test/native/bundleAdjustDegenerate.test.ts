// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { type AdjustProblem, denseCopy, difference, makeProblem, movable } from './adjustProblem.ts';
import { denseBundleAdjust } from './denseBundleAdjust.ts';

const M = 20;
const run = ({ ops, pairs, options }: AdjustProblem) => ops.bundleAdjust(pairs.length, options);
const problemOf = (seed: number, fixed = [0, 1]) => makeProblem({ seed, frames: 4, patches: M, fixed });

/** Sets one number of every third edge, and gives the reference those edges without weight. */
async function poisonedLikeWeightless(array: 'delta' | 'weight' | 'centre', value: number): Promise<void> {
  const problem = await problemOf(41);
  const { buffers } = problem.ops;
  const clean = denseCopy(problem);
  for (let edge = 0; edge < clean.edges.length; edge += 3) {
    clean.edges[edge]!.weight = [0, 0];
    buffers[array][2 * edge + (edge % 2)] = value;
  }
  const validEdges = denseBundleAdjust(clean, problem.options);
  assert.deepEqual(await run(problem), { solved: true, validEdges });
  const { pose, depth } = difference(problem.ops, clean);
  assert.ok(pose < 3e-6 && depth < 1e-5, `pose ${pose}, depth ${depth}`);
}

describe('bundle adjustment of degenerate problems', () => {
  it('nothing moves without weights', async () => {
    const problem = await problemOf(40);
    problem.ops.buffers.weight.fill(0);
    const before = movable(problem.ops);
    assert.deepEqual(await run(problem), { solved: true, validEdges: 0 });
    assert.deepEqual(movable(problem.ops).depths, before.depths);
    const { poses } = movable(problem.ops);
    // Poses are renormalised: rounding of double precision.
    assert.ok(poses.every((v, i) => Math.abs(v - before.poses[i]!) < 1e-15));
  });

  it('nothing moves without pairs', async () => {
    const problem = await problemOf(40);
    const before = movable(problem.ops);
    assert.deepEqual(await problem.ops.bundleAdjust(0, problem.options), { solved: true, validEdges: 0 });
    assert.deepEqual(movable(problem.ops).depths, before.depths);
  });

  it('edges that are not numbers are left out, wherever the NaN is', async () => {
    for (const array of ['delta', 'weight', 'centre'] as const) await poisonedLikeWeightless(array, Number.NaN);
  });

  it('infinite and huge targets are left out', async () => {
    for (const value of [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 3e38, -1e25]) {
      await poisonedLikeWeightless('delta', value);
    }
  });

  it('infinite weights are left out', async () => {
    await poisonedLikeWeightless('weight', Number.POSITIVE_INFINITY);
  });

  it('patches without a usable edge keep their depth', async () => {
    const problem = await problemOf(42);
    const { buffers } = problem.ops;
    const kept = [0, 7, 19];
    problem.pairs.forEach((_, p) => {
      for (const k of kept) buffers.weight.fill(0, 2 * (p * M + k), 2 * (p * M + k) + 2);
    });
    const before = movable(problem.ops).depths;
    await run(problem);
    for (let slot = 0; slot < 4; slot++) {
      for (let k = 0; k < M; k++) {
        const d = buffers.inverseDepth[slot * buffers.patchStride + k];
        assert.equal(d === before[slot]![k], kept.includes(k), `patch ${k} of slot ${slot}`);
      }
    }
  });

  it('inverse depths stay within their limits: too large is reset, too small is raised', async () => {
    const problem = await problemOf(43, [0, 1, 2, 3]);
    const { buffers } = problem.ops;
    buffers.weight.fill(0);
    const start = [25, 20.5, 20, 5e-5, -3, 0.7, Number.NaN];
    buffers.inverseDepth.set(start, 0);
    await run(problem);
    const expected = [1, 1, 20, 1e-4, 1e-4, 0.7, 1e-4].map(Math.fround);
    assert.deepEqual([...buffers.inverseDepth.subarray(0, start.length)], expected);
  });

  it('depths of slots that are no source are left alone, limits or not', async () => {
    const problem = await problemOf(44);
    const { buffers } = problem.ops;
    buffers.inverseDepth.fill(33, 6 * buffers.patchStride, 7 * buffers.patchStride);
    await run(problem);
    assert.ok(buffers.inverseDepth.subarray(6 * buffers.patchStride, 7 * buffers.patchStride).every((d) => d === 33));
  });

  const unsolvable: { name: string; spoil: (problem: AdjustProblem) => void }[] = [
    {
      name: 'a system that is not positive definite',
      spoil: ({ options }) => {
        options.poseDamping = -1e7;
      },
    },
    {
      name: 'damping that is not a number',
      spoil: ({ options }) => {
        options.poseDamping = Number.NaN;
      },
    },
    {
      name: 'weights beyond single precision',
      spoil: ({ ops }) => {
        ops.buffers.weight.fill(3e38);
      },
    },
    {
      name: 'a pose that is not a number',
      spoil: ({ ops }) => {
        ops.buffers.poses[7 * 2] = Number.NaN;
      },
    },
  ];
  for (const { name, spoil } of unsolvable) {
    it(`${name}: reports it and moves nothing`, async () => {
      const problem = await problemOf(45);
      spoil(problem);
      const before = movable(problem.ops);
      assert.equal((await run(problem)).solved, false);
      assert.deepEqual(movable(problem.ops), before);
    });
  }

  it('recovers in the next call', async () => {
    const problem = await problemOf(46);
    const good = { ...problem.options };
    problem.options.poseDamping = -1e7;
    assert.equal((await run(problem)).solved, false);
    const dense = denseCopy(problem);
    denseBundleAdjust(dense, good);
    assert.equal((await problem.ops.bundleAdjust(problem.pairs.length, good)).solved, true);
    assert.ok(difference(problem.ops, dense).pose < 3e-6);
  });
});
