// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { compose, inverse } from '../../src/odometry/se3.ts';
import {
  type AdjustProblem,
  denseCopy,
  difference,
  makeProblem,
  movable,
  type ProblemSpec,
  poseOf,
} from './adjustProblem.ts';
import { denseBundleAdjust } from './denseBundleAdjust.ts';

/**
 * Two fixed poses hold the scale: what is left is the single precision of the op, 1e-5 of a step; measured 3e-7 and 1e-6, and 6e-6 for a step of 0.8. Without
 * them the scale hangs on the damping alone, and the cancellation in B - E Q E^T (to 1e-3 of B) magnifies the rounding; measured 4e-5 and 2e-4.
 */
const TOLERANCE = { scaleHeld: { pose: 2e-5, depth: 2e-5 }, scaleFree: { pose: 2e-4, depth: 1e-3 } };

/** Solves with both, compares, and returns how far the poses moved. */
async function compareWithDense(problem: AdjustProblem, iterations: number): Promise<number> {
  const dense = denseCopy(problem);
  const before = movable(problem.ops).poses;
  const options = { ...problem.options, iterations };
  const report = await problem.ops.bundleAdjust(problem.pairs.length, options);
  const validEdges = denseBundleAdjust(dense, options);
  assert.deepEqual(report, { solved: true, validEdges });
  const { pose, depth } = difference(problem.ops, dense);
  const tolerance = problem.fixed > 1 ? TOLERANCE.scaleHeld : TOLERANCE.scaleFree;
  assert.ok(pose < tolerance.pose, `poses differ by ${pose}`);
  assert.ok(depth < tolerance.depth, `inverse depths differ by ${depth}`);
  return problem.ops.buffers.poses.reduce((most, v, i) => Math.max(most, Math.abs(v - before[i]!)), 0);
}

const CASES: { name: string; spec: ProblemSpec }[] = [
  { name: 'two frames', spec: { seed: 1, frames: 2, patches: 20, fixed: [0] } },
  { name: 'five frames, two of them fixed', spec: { seed: 2, frames: 5, patches: 20, fixed: [0, 1] } },
  { name: 'five frames', spec: { seed: 2, frames: 5, patches: 20, fixed: [0] } },
  { name: 'a number of patches that fills the lanes', spec: { seed: 3, frames: 5, patches: 32, fixed: [0, 4] } },
  { name: 'a single patch', spec: { seed: 4, frames: 6, patches: 1, fixed: [0, 1] } },
  { name: 'several fixed frames, not the first', spec: { seed: 5, frames: 6, patches: 20, fixed: [1, 4, 5] } },
  { name: 'no fixed frame', spec: { seed: 6, frames: 4, patches: 20, fixed: [] } },
  {
    name: 'a frame that no pair touches',
    spec: {
      seed: 7,
      frames: 4,
      patches: 20,
      fixed: [0],
      pairs: [
        [0, 1],
        [1, 0],
        [3, 1],
        [0, 3],
      ],
    },
  },
  {
    name: 'self pairs',
    spec: {
      seed: 8,
      frames: 3,
      patches: 20,
      fixed: [0],
      pairs: [
        [0, 0],
        [0, 1],
        [1, 1],
        [1, 2],
        [2, 2],
        [2, 0],
      ],
    },
  },
  {
    name: 'a source between fixed frames only, and a pair of fixed frames',
    spec: {
      seed: 9,
      frames: 4,
      patches: 20,
      fixed: [0, 1, 2],
      pairs: [
        [0, 1],
        [1, 2],
        [2, 3],
        [0, 3],
      ],
    },
  },
];

describe('bundle adjustment against a dense solve in double precision', () => {
  for (const { name, spec } of CASES) {
    for (const iterations of [1, 2]) {
      it(`${name}, ${iterations} iteration${iterations > 1 ? 's' : ''}`, async () => {
        const moved = await compareWithDense(await makeProblem(spec), iterations);
        assert.ok(moved > 1e-3, `the poses moved by ${moved} only: nothing was compared`);
      });
    }
  }

  it('moves depths only when no pose is free', async () => {
    const problem = await makeProblem({ seed: 10, frames: 4, patches: 20, fixed: [0, 1, 2, 3], poseNoise: 0 });
    const before = movable(problem.ops);
    assert.equal(await compareWithDense(problem, 2), 0);
    assert.notDeepEqual(movable(problem.ops).depths, before.depths);
  });

  it('leaves out points behind the camera, large residuals and projections far outside', async () => {
    const problem = await makeProblem({ seed: 11, frames: 5, patches: 20, fixed: [0, 1] });
    const { buffers } = problem.ops;
    // Frame 4 has gone past the near points of the others; some targets lie 40 px off; the margin is narrow.
    buffers.poses.set([0.1, -0.2, -1.6, 0, 0, 0, 1], 7 * 4);
    for (let e = 0; e < buffers.delta.length; e += 14) buffers.delta[e]! += 40;
    problem.options = { ...problem.options, maxResidual: 30, margin: 3 };
    const dense = denseCopy(problem);
    const used = denseBundleAdjust(dense, problem.options);
    assert.ok(used > 100 && used < 0.8 * dense.edges.length, `${used} of ${dense.edges.length} edges are used`);
    await compareWithDense(problem, 1);
  });

  it('edges without weight do not count', async () => {
    const problem = await makeProblem({ seed: 12, frames: 4, patches: 20, fixed: [0, 2] });
    const { weight } = problem.ops.buffers;
    for (let e = 0; e < weight.length; e++) if (e % 3 === 0 || Math.floor(e / 2) % 5 === 0) weight[e] = 0;
    await compareWithDense(problem, 2);
  });

  it('damping is what the options say', async () => {
    const problem = await makeProblem({ seed: 13, frames: 4, patches: 20, fixed: [0, 1] });
    problem.options = { ...problem.options, depthDamping: 3, poseDamping: 40, poseDampingRelative: 0.5 };
    await compareWithDense(problem, 2);
  });

  it('reports the variance of every depth: 1 / (C + damping)', async () => {
    const problem = await makeProblem({
      seed: 14,
      frames: 2,
      patches: 20,
      fixed: [0, 1],
      pairs: [[0, 1]],
      poseNoise: 0,
    });
    const { buffers } = problem.ops;
    buffers.poses.set([-0.5, 0, 0, 0, 0, 0, 1], 7);
    buffers.poses.set([0, 0, 0, 0, 0, 0, 1], 0);
    await problem.ops.bundleAdjust(1, problem.options);
    for (let k = 0; k < 20; k++) {
      // A sideways step t turns inverse depth into shift: J_d = (fx t, 0).
      const C = buffers.weight[2 * k]! * (25 * 0.5) ** 2;
      assert.ok(Math.abs(buffers.depthVariance[k]! * (C + 1e-4) - 1) < 1e-5);
    }
  });
});

describe('bundle adjustment with exact targets', () => {
  const spec: ProblemSpec = {
    seed: 21,
    frames: 6,
    patches: 32,
    fixed: [0, 1],
    poseNoise: 0.03,
    depthNoise: 0.3,
    targetNoise: 0,
  };

  it('reaches the true geometry when the scale is held', async () => {
    const { ops, pairs, options, truth } = await makeProblem(spec);
    await ops.bundleAdjust(pairs.length, { ...options, iterations: 30 });
    truth.poses.forEach((pose, slot) => {
      const error = compose(poseOf(ops, slot), inverse(pose));
      assert.ok(Math.hypot(...error.t) < 1e-4, `pose ${slot} is ${error.t} away`);
      assert.ok(2 * Math.hypot(error.q[0], error.q[1], error.q[2]) < 1e-4, `pose ${slot} is turned`);
      truth.depths[slot]!.forEach((d, k) => {
        const got = ops.buffers.inverseDepth[slot * ops.buffers.patchStride + k]!;
        assert.ok(Math.abs(got - d) < 2e-3 * d, `patch ${k} of ${slot}: ${got} instead of ${d}`);
      });
    });
  });

  it('reaches it up to scale when only the first frame is held', async () => {
    const { ops, pairs, options, truth } = await makeProblem({ ...spec, fixed: [0] });
    await ops.bundleAdjust(pairs.length, { ...options, iterations: 60 });
    const relative = (from: typeof truth.poses, slot: number) => compose(from[slot]!, inverse(from[0]!)).t;
    const got = truth.poses.map((_, slot) => poseOf(ops, slot));
    const scale = Math.hypot(...relative(got, 5)) / Math.hypot(...relative(truth.poses, 5));
    assert.ok(scale > 0.5 && scale < 2, `scale ${scale}`);
    for (let slot = 1; slot < 6; slot++) {
      relative(truth.poses, slot).forEach((v, i) => {
        assert.ok(Math.abs(relative(got, slot)[i]! - scale * v) < 1e-3, `pose ${slot}`);
      });
    }
  });
});

describe('bundle adjustment on several threads', () => {
  it('gives the same bits on 1, 2 and 3', async () => {
    const results = [];
    for (const threads of [1, 2, 3]) {
      const { ops, pairs, options } = await makeProblem({ seed: 31, frames: 7, patches: 20, fixed: [0], threads });
      await ops.bundleAdjust(pairs.length, { ...options, iterations: 3 });
      results.push(movable(ops));
    }
    assert.deepEqual(results[1], results[0]);
    assert.deepEqual(results[2], results[0]);
  });
});
