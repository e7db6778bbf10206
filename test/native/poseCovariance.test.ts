// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { compose, inverse, log } from '../../src/odometry/se3.ts';
import { type AdjustProblem, denseCopy, makeProblem, type ProblemSpec, poseOf } from './adjustProblem.ts';
import { denseBundleAdjust, denseCovariance } from './denseBundleAdjust.ts';
import { normal, random } from './makeOps.ts';

const adjust = ({ ops, pairs, options }: AdjustProblem) => ops.bundleAdjust(pairs.length, options);

/** Largest difference of two covariances, as a share of the standard deviations of its row and column. */
function differenceOf(got: ArrayLike<number>, expected: readonly (readonly number[])[]): number {
  const sigma = expected.map((row, i) => Math.sqrt(row[i]!));
  let worst = 0;
  for (let r = 0; r < 6; r++) {
    for (let c = 0; c < 6; c++) {
      const difference = Math.abs(got[6 * r + c]! - expected[r]![c]!) / (sigma[r]! * sigma[c]!);
      assert.ok(Number.isFinite(difference), `covariance ${r}, ${c} is ${got[6 * r + c]}`);
      worst = Math.max(worst, difference);
    }
  }
  return worst;
}

const CASES: { name: string; spec: ProblemSpec; tolerance?: number }[] = [
  { name: 'two frames, one fixed', spec: { seed: 51, frames: 2, patches: 20, fixed: [0] }, tolerance: 1e-3 },
  { name: 'five frames, two fixed', spec: { seed: 52, frames: 5, patches: 20, fixed: [0, 1] } },
  { name: 'patches that fill the lanes', spec: { seed: 53, frames: 5, patches: 32, fixed: [0, 2] } },
  { name: 'a single free pose', spec: { seed: 54, frames: 4, patches: 20, fixed: [0, 1, 2] } },
  { name: 'only the first frame fixed', spec: { seed: 55, frames: 6, patches: 20, fixed: [0] }, tolerance: 1e-3 },
];

describe('covariance of the last free pose', () => {
  for (const { name, spec, tolerance = 1e-4 } of CASES) {
    it(`is its block of the inverse of the whole information matrix: ${name}`, async () => {
      const problem = await makeProblem(spec);
      const expected = denseCovariance(denseCopy(problem), problem.options);
      await adjust(problem);
      // Single precision of the sums; where the scale is free the cancellation in B - E Q E^T magnifies it.
      const difference = differenceOf(problem.ops.buffers.poseCovariance, expected);
      assert.ok(difference < tolerance, `differs by ${difference} standard deviations`);
    });
  }

  it('belongs to the last of several iterations, before its step', async () => {
    const problem = await makeProblem({ seed: 56, frames: 5, patches: 20, fixed: [0, 1] });
    const dense = denseCopy(problem);
    const before = denseCovariance(dense, problem.options);
    denseBundleAdjust(dense, { ...problem.options, iterations: 2 });
    const expected = denseCovariance(dense, problem.options);
    problem.options.iterations = 3;
    await adjust(problem);
    assert.ok(differenceOf(problem.ops.buffers.poseCovariance, expected) < 1e-3);
    assert.ok(differenceOf(problem.ops.buffers.poseCovariance, before) > 1e-2, 'the linearisation makes no difference');
  });

  it('is exactly symmetric, and positive on its diagonal', async () => {
    const problem = await makeProblem({ seed: 57, frames: 5, patches: 20, fixed: [0] });
    await adjust(problem);
    const { poseCovariance } = problem.ops.buffers;
    for (let r = 0; r < 6; r++) {
      assert.ok(poseCovariance[7 * r]! > 0);
      for (let c = 0; c < r; c++) assert.equal(poseCovariance[6 * r + c], poseCovariance[6 * c + r]);
    }
  });

  it('is the same on 1, 2 and 3 threads', async () => {
    const found = [];
    for (const threads of [1, 2, 3]) {
      const problem = await makeProblem({ seed: 58, frames: 6, patches: 20, fixed: [0], threads });
      await adjust(problem);
      found.push(problem.ops.buffers.poseCovariance.slice());
    }
    assert.deepEqual(found[1], found[0]);
    assert.deepEqual(found[2], found[0]);
  });

  it('is NaN before the first bundle adjustment, when no pose is free, and when nothing could be solved', async () => {
    const problem = await makeProblem({ seed: 59, frames: 4, patches: 20, fixed: [0, 1] });
    const { poseCovariance } = problem.ops.buffers;
    const isNothing = () => poseCovariance.length === 36 && poseCovariance.every(Number.isNaN);
    assert.ok(isNothing());
    await adjust(problem);
    assert.ok(poseCovariance.every(Number.isFinite));
    problem.options.poseDamping = -1e7;
    await adjust(problem);
    assert.ok(isNothing());
    problem.options.poseDamping = 1;
    await adjust(problem);
    assert.ok(poseCovariance.every(Number.isFinite));
    problem.ops.buffers.poseVariable.fill(-1);
    problem.options.freePoses = 0;
    await adjust(problem);
    assert.ok(isNothing());
  });

  it('is that of the errors when targets are off by noise of variance 1 / weight: left increments, translation before rotation', async () => {
    const exact = { seed: 60, frames: 4, patches: 20, fixed: [0, 1], poseNoise: 0, depthNoise: 0, targetNoise: 0 };
    const problem = await makeProblem(exact);
    const { ops, truth, options } = problem;
    Object.assign(options, { poseDamping: 0, poseDampingRelative: 0 });
    const { poses, inverseDepth, delta, weight } = ops.buffers;
    const start = { poses: poses.slice(), depths: inverseDepth.slice(), delta: delta.slice() };
    const expected = denseCovariance(denseCopy(problem), options);
    const next = random(61);
    const count = 600;
    // Small noise keeps the problem linear.
    const noise = 0.01;
    const sums = new Float64Array(36);
    for (let trial = 0; trial < count; trial++) {
      poses.set(start.poses);
      inverseDepth.set(start.depths);
      for (let e = 0; e < delta.length; e++)
        delta[e] = start.delta[e]! + (noise * normal(next)) / Math.sqrt(weight[e]!);
      await adjust(problem);
      const xi = log(compose(poseOf(ops, 3), inverse(truth.poses[3]!)));
      for (let i = 0; i < 36; i++) sums[i]! += (xi[Math.floor(i / 6)]! * xi[i % 6]!) / (count * noise * noise);
    }
    // A sample covariance of n samples is off by up to sqrt(2 / n) of the standard deviations; 4 sigma.
    const difference = differenceOf(sums, expected);
    assert.ok(difference < 4 * Math.sqrt(2 / count), `differs by ${difference} standard deviations`);
  });
});
