// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import type { BundleAdjustOptions, CpuOps } from '../../src/native/addon.ts';
import type { Pose } from '../../src/odometry/Pose.ts';
import { compose, exp, inverse, type Tangent } from '../../src/odometry/se3.ts';
import { SOLVER } from '../../src/odometry/solver.ts';
import { type DenseProblem, type Edge, type GridCamera, linearize } from './denseBundleAdjust.ts';
import { makeOps, normal, random, WHOLE } from './makeOps.ts';

export const CAMERA: GridCamera = { fx: 25, fy: 26, cx: 15.5, cy: 11.5, width: 32, height: 24 };

export interface ProblemSpec {
  seed: number;
  frames: number;
  patches: number;
  /** Slots whose poses are held. */
  fixed: number[];
  /** Pairs of slots; all pairs of different frames when left out. */
  pairs?: readonly (readonly [number, number])[];
  threads?: number;
  /** Standard deviation of the start around the truth: tangent of the poses, share of the inverse depths. */
  poseNoise?: number;
  depthNoise?: number;
  /** Standard deviation of the targets, grid px. */
  targetNoise?: number;
}

export interface AdjustProblem {
  ops: CpuOps;
  pairs: (readonly [number, number])[];
  options: BundleAdjustOptions;
  /** Number of fixed frames. */
  fixed: number;
  /** What the noise-free targets were made from. */
  truth: { poses: Pose[]; depths: number[][] };
}

function allPairs(frames: number): [number, number][] {
  const slots = Array.from({ length: frames }, (_, slot) => slot);
  return slots.flatMap((s) => slots.filter((t) => t !== s).map((t): [number, number] => [s, t]));
}

/** Frames on a gentle arc that look at random points 1 to 5 units away; targets are the true projections plus noise, the start is disturbed. */
export async function makeProblem(spec: ProblemSpec): Promise<AdjustProblem> {
  const { seed, frames, patches: M, fixed, poseNoise = 0.02, depthNoise = 0.15, targetNoise = 0.3 } = spec;
  const ops = makeOps({ patches: M, threads: spec.threads ?? 2 });
  const { buffers } = ops;
  const next = random(seed);
  const tangent = (sigma: number) => Array.from({ length: 6 }, () => sigma * normal(next)) as Tangent;
  const truth: AdjustProblem['truth'] = { poses: [], depths: [] };
  const pairs = [...(spec.pairs ?? allPairs(frames))];
  for (let slot = 0; slot < frames; slot++) {
    await ops.samplePatches(slot, seed, slot, 'random', 1, WHOLE);
    const path: Tangent = [-0.12 * slot, 0.02 * slot, 0.03 * slot, 0, 0.03 * slot, 0];
    truth.poses.push(compose(exp(tangent(0.02)), exp(path)));
    truth.depths.push(Array.from({ length: M }, () => 0.2 + 0.8 * next()));
  }
  let variable = 0;
  for (let slot = 0; slot < 8; slot++)
    buffers.poseVariable[slot] = slot < frames && !fixed.includes(slot) ? variable++ : -1;
  pairs.forEach(([source, target], p) => {
    buffers.pairSource[p] = source;
    buffers.pairTarget[p] = target;
    const G = compose(truth.poses[target]!, inverse(truth.poses[source]!));
    for (let k = 0; k < M; k++) {
      const at = source * buffers.patchStride + k;
      const { at: seen } = linearize(CAMERA, G, buffers.patchX[at]!, buffers.patchY[at]!, truth.depths[source]![k]!);
      for (const axis of [0, 1] as const) {
        const edge = 2 * (p * M + k) + axis;
        buffers.centre[edge] = seen[axis] - 2 + 4 * next();
        buffers.delta[edge] = seen[axis] - buffers.centre[edge]! + targetNoise * normal(next);
        buffers.weight[edge] = 0.05 + 0.9 * next();
      }
    }
  });
  for (let slot = 0; slot < frames; slot++) {
    const start = fixed.includes(slot) ? truth.poses[slot]! : compose(exp(tangent(poseNoise)), truth.poses[slot]!);
    buffers.poses.set([...start.t, ...start.q], 7 * slot);
    truth.depths[slot]!.forEach((d, k) => {
      buffers.inverseDepth[slot * buffers.patchStride + k] = d * Math.exp(depthNoise * normal(next));
    });
  }
  return { ops, pairs, truth, fixed: fixed.length, options: { ...SOLVER, freePoses: variable, iterations: 1 } };
}

export function poseOf(ops: CpuOps, slot: number): Pose {
  const d = ops.buffers.poses.subarray(7 * slot, 7 * slot + 7);
  return { t: [d[0]!, d[1]!, d[2]!], q: [d[3]!, d[4]!, d[5]!, d[6]!] };
}

/** The same problem for the reference, copied from the memory of the ops. */
export function denseCopy({ ops, pairs }: AdjustProblem): DenseProblem {
  const { buffers } = ops;
  const M = buffers.cells.length;
  const slots = Array.from({ length: buffers.poseVariable.length }, (_, slot) => slot);
  const edges = pairs.flatMap(([source, target], p): Edge[] =>
    Array.from({ length: M }, (_, patch) => {
      const e = 2 * (p * M + patch);
      return {
        source,
        target,
        patch,
        at: [
          Math.fround(buffers.centre[e]! + buffers.delta[e]!),
          Math.fround(buffers.centre[e + 1]! + buffers.delta[e + 1]!),
        ],
        weight: [buffers.weight[e]!, buffers.weight[e + 1]!],
      };
    }),
  );
  const patch = (slot: number, k: number) => {
    const i = slot * buffers.patchStride + k;
    return { x: buffers.patchX[i]!, y: buffers.patchY[i]!, d: buffers.inverseDepth[i]! };
  };
  return {
    camera: CAMERA,
    poses: slots.map((slot) => poseOf(ops, slot)),
    variables: [...buffers.poseVariable],
    patches: slots.map((slot) => Array.from({ length: M }, (_, k) => patch(slot, k))),
    edges,
  };
}

/** Everything that bundle adjustment may move; inverse depths [slot][patch], without the lanes beyond the last patch. */
export function movable({ buffers }: CpuOps): { poses: Float64Array; depths: Float32Array[] } {
  const { inverseDepth, patchStride, poseVariable, cells } = buffers;
  const ofSlot = (_: unknown, slot: number) =>
    inverseDepth.slice(slot * patchStride, slot * patchStride + cells.length);
  return { poses: buffers.poses.slice(), depths: Array.from(poseVariable, ofSlot) };
}

/** Largest difference of a pose component, and of an inverse depth, between the ops and the reference. */
export function difference(ops: CpuOps, dense: DenseProblem): { pose: number; depth: number } {
  let [pose, depth] = [0, 0];
  dense.poses.forEach((expected, slot) => {
    const got = poseOf(ops, slot);
    const sign = Math.sign(got.q.reduce((sum, v, i) => sum + v * expected.q[i]!, 0));
    got.t.forEach((v, i) => {
      pose = Math.max(pose, Math.abs(v - expected.t[i]!));
    });
    got.q.forEach((v, i) => {
      pose = Math.max(pose, Math.abs(sign * v - expected.q[i]!));
    });
    dense.patches[slot]!.forEach(({ d }, k) => {
      depth = Math.max(
        depth,
        Math.abs(ops.buffers.inverseDepth[slot * ops.buffers.patchStride + k]! - d) / Math.max(1, d),
      );
    });
  });
  assert.ok(Number.isFinite(pose) && Number.isFinite(depth), 'a pose or depth is not a number');
  return { pose, depth };
}
