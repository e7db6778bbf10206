// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import type { CpuOps } from '../../src/native/addon.ts';
import type { Pose } from '../../src/odometry/Pose.ts';
import { compose, inverse } from '../../src/odometry/se3.ts';
import { makeOps, normal, random } from './makeOps.ts';
import { project, randomGeometry } from './randomGeometry.ts';

const M = 20;
const PAIRS = [
  [0, 1],
  [1, 0],
  [1, 2],
  [2, 2],
  [0, 2],
  [2, 1],
] as const;
const INLIER = 1.5;
const CONFIDENT = 0.3;
const MARGIN = 4;

/** Three frames whose edges miss by about 1 px, some of them far out of the image, with confidences from 0 to 1. */
async function scene(seed: number): Promise<{ ops: CpuOps; poses: Pose[] }> {
  const ops = makeOps();
  const poses = await randomGeometry(ops, 3, seed, 0.15);
  const { buffers } = ops;
  const next = random(seed + 100);
  PAIRS.forEach(([source, target], p) => {
    buffers.pairSource[p] = source;
    buffers.pairTarget[p] = target;
  });
  await ops.correlate(PAIRS.length);
  for (let e = 0; e < PAIRS.length * M * 2; e++) {
    buffers.delta[e] = normal(next);
    buffers.weight[e] = next();
  }
  return { ops, poses };
}

function bruteForce({ buffers }: CpuOps, poses: Pose[], flags: Uint8Array) {
  const confidences: number[] = [];
  let [weight, residual, inliers] = [0, 0, 0];
  PAIRS.forEach(([source, target], p) => {
    if (flags[p] === 0 || source === target) return;
    const G = compose(poses[target]!, inverse(poses[source]!));
    for (let k = 0; k < M; k++) {
      const e = 2 * (p * M + k);
      const at = source * buffers.patchStride + k;
      const confidence = (buffers.weight[e]! + buffers.weight[e + 1]!) / 2;
      confidences.push(Number.isFinite(confidence) ? confidence : 0);
      const [x, y] = project(G, buffers.patchX[at]!, buffers.patchY[at]!, buffers.inverseDepth[at]!);
      const r = Math.hypot(
        buffers.centre[e]! + buffers.delta[e]! - x,
        buffers.centre[e + 1]! + buffers.delta[e + 1]! - y,
      );
      const isInside = x > -MARGIN && y > -MARGIN && x < 32 + MARGIN && y < 24 + MARGIN;
      if (!(confidence >= CONFIDENT) || !Number.isFinite(r) || !isInside) continue;
      weight += confidence;
      residual += confidence * r;
      if (r < INLIER) inliers++;
    }
  });
  const edges = confidences.length;
  const medianConfidence = confidences.sort((a, b) => a - b)[Math.floor(edges / 2)] ?? 0;
  return {
    medianConfidence,
    residual: weight > 0 ? residual / weight : 0,
    inlierShare: edges > 0 ? inliers / edges : 0,
    edges,
  };
}

function assertClose(got: ReturnType<CpuOps['assessHealth']>, expected: ReturnType<typeof bruteForce>): void {
  assert.equal(got.edges, expected.edges);
  for (const key of ['medianConfidence', 'residual', 'inlierShare'] as const) {
    assert.ok(Math.abs(got[key] - expected[key]) < 1e-4, `${key}: ${got[key]} instead of ${expected[key]}`);
  }
}

describe('health of the edges', () => {
  for (const flags of [
    [1, 1, 1, 1, 1, 1],
    [1, 0, 0, 1, 1, 0],
    [0, 0, 255, 0, 0, 0],
  ]) {
    it(`equals brute force for the pairs ${flags}`, async () => {
      const { ops, poses } = await scene(1);
      const chosen = Uint8Array.from(flags);
      const got = ops.assessHealth(PAIRS.length, chosen, INLIER, CONFIDENT, MARGIN);
      assertClose(got, bruteForce(ops, poses, chosen));
      assert.ok(got.inlierShare > 0.1 && got.inlierShare < 0.9, 'the scene decides nothing');
    });
  }

  it('edges that are not numbers count as edges without confidence', async () => {
    const { ops, poses } = await scene(2);
    for (let e = 0; e < 60; e += 7) {
      ops.buffers.weight[e] = Number.NaN;
      ops.buffers.delta[e + 60] = Number.POSITIVE_INFINITY;
    }
    const flags = new Uint8Array(PAIRS.length).fill(1);
    const got = ops.assessHealth(PAIRS.length, flags, INLIER, CONFIDENT, MARGIN);
    assertClose(got, bruteForce(ops, poses, flags));
  });

  it('is measured after the poses moved', async () => {
    const { ops, poses } = await scene(3);
    poses[1] = compose({ t: [0.3, 0, 0], q: [0, 0, 0, 1] }, poses[1]!);
    ops.buffers.poses.set(poses[1]!.t, 7);
    const flags = new Uint8Array(PAIRS.length).fill(1);
    assertClose(ops.assessHealth(PAIRS.length, flags, INLIER, CONFIDENT, MARGIN), bruteForce(ops, poses, flags));
  });

  it('of no pair, of none chosen, and of a self pair is nothing', async () => {
    const { ops } = await scene(4);
    const nothing = { medianConfidence: 0, residual: 0, inlierShare: 0, edges: 0 };
    assert.deepEqual(ops.assessHealth(0, new Uint8Array(0), 1, 0, 64), nothing);
    assert.deepEqual(ops.assessHealth(6, new Uint8Array(6), 1, 0, 64), nothing);
    assert.deepEqual(ops.assessHealth(6, Uint8Array.of(0, 0, 0, 1, 0, 0), 1, 0, 64), nothing);
  });

  it('needs a flag for every pair', async () => {
    const { ops } = await scene(5);
    assert.throws(() => ops.assessHealth(6, new Uint8Array(5), 1, 0, 64), /expected a flag per pair/);
  });
});
