// SPDX-License-Identifier: MIT
// Bundle adjustment as the publication states it (arXiv 2208.04726, section 3.2), in double precision, edge by edge, with dense matrices. Slow and plain on purpose.
import type { BundleAdjustOptions } from '../../src/native/addon.ts';
import type { Pose } from '../../src/odometry/Pose.ts';
import { compose, exp, inverse, rotate, type Tangent, type Vec3 } from '../../src/odometry/se3.ts';

export interface GridCamera {
  fx: number;
  fy: number;
  cx: number;
  cy: number;
  /** Grid px. */
  width: number;
  height: number;
}

/** Patch of a source frame seen in a target frame: where it should be (grid px) and how much that counts. */
export interface Edge {
  source: number;
  target: number;
  patch: number;
  at: [number, number];
  weight: [number, number];
}

export interface DenseProblem {
  camera: GridCamera;
  /** T_camera_world by slot. */
  poses: Pose[];
  /** Pose variable by slot, -1 = fixed. */
  variables: number[];
  /** Patch centres in grid px and inverse depths, by slot. */
  patches: { x: number; y: number; d: number }[][];
  edges: Edge[];
}

type Row6 = [number, number, number, number, number, number];

export interface Linearization {
  z: number;
  /** Prediction, grid px. */
  at: [number, number];
  /** Derivatives of both coordinates by inverse depth and by the left increments of target and source pose. */
  byDepth: [number, number];
  byTarget: [Row6, Row6];
  bySource: [Row6, Row6];
}

/** T_target_source applied to the homogeneous point (ray, 1, d). */
function moved(G: Pose, ray: [number, number], d: number): Vec3 {
  const r = rotate(G.q, [ray[0], ray[1], 1]);
  return [r[0] + G.t[0] * d, r[1] + G.t[1] * d, r[2] + G.t[2] * d];
}

/** Ad(G)^T J for a row J = (a, b) of translation and rotation part. */
function adjointTransposed(G: Pose, J: Row6): Row6 {
  const [tx, ty, tz] = G.t;
  const [ax, ay, az, bx, by, bz] = J;
  const back: Pose['q'] = [-G.q[0], -G.q[1], -G.q[2], G.q[3]];
  const a = rotate(back, [ax, ay, az]);
  const b = rotate(back, [bx + tz * ay - ty * az, by + tx * az - tz * ax, bz + ty * ax - tx * ay]);
  return [...a, ...b];
}

const negated = (row: Row6) => row.map((v) => -v) as Row6;

/** Prediction of a patch centre in the target and its derivatives; G = T_target_source. */
export function linearize(camera: GridCamera, G: Pose, x: number, y: number, d: number): Linearization {
  const { fx, fy, cx, cy } = camera;
  const [X, Y, Z] = moved(G, [(x - cx) / fx, (y - cy) / fy], d);
  const q = 1 / Z;
  const byTarget: [Row6, Row6] = [
    [fx * d * q, 0, -fx * X * d * q * q, -fx * X * Y * q * q, fx * (1 + X * X * q * q), -fx * Y * q],
    [0, fy * d * q, -fy * Y * d * q * q, -fy * (1 + Y * Y * q * q), fy * X * Y * q * q, fy * X * q],
  ];
  return {
    z: Z,
    at: [fx * X * q + cx, fy * Y * q + cy],
    byDepth: [fx * (G.t[0] * q - G.t[2] * X * q * q), fy * (G.t[1] * q - G.t[2] * Y * q * q)],
    byTarget,
    bySource: [negated(adjointTransposed(G, byTarget[0])), negated(adjointTransposed(G, byTarget[1]))],
  };
}

/** x of A x = b by elimination with row pivots; undefined when A is singular. */
function solve(A: number[][], b: number[]): number[] | undefined {
  const n = b.length;
  const rows = A.map((row, r) => [...row, b[r]!]);
  for (let c = 0; c < n; c++) {
    let pivot = c;
    for (let r = c + 1; r < n; r++) if (Math.abs(rows[r]![c]!) > Math.abs(rows[pivot]![c]!)) pivot = r;
    if (rows[pivot]![c] === 0) return undefined;
    [rows[c], rows[pivot]] = [rows[pivot]!, rows[c]!];
    for (let r = c + 1; r < n; r++) {
      const factor = rows[r]![c]! / rows[c]![c]!;
      for (let k = c; k <= n; k++) rows[r]![k]! -= factor * rows[c]![k]!;
    }
  }
  const x = new Array<number>(n).fill(0);
  for (let r = n - 1; r >= 0; r--) {
    let sum = rows[r]![n]!;
    for (let k = r + 1; k < n; k++) sum -= rows[r]![k]! * x[k]!;
    x[r] = sum / rows[r]![r]!;
  }
  return x;
}

const zeros = (rows: number, columns: number) => Array.from({ length: rows }, () => new Array<number>(columns).fill(0));

/** The normal equations: B and v of the poses, C and u of the depths, E between them. */
function normalEquations(problem: DenseProblem, options: BundleAdjustOptions) {
  const { camera, poses, variables, patches } = problem;
  const M = patches[0]!.length;
  const n = 6 * options.freePoses;
  const depths = patches.length * M;
  const [B, E] = [zeros(n, n), zeros(n, depths)];
  const [v, C, u] = [
    new Array<number>(n).fill(0),
    new Array<number>(depths).fill(0),
    new Array<number>(depths).fill(0),
  ];
  let validEdges = 0;
  for (const { source, target, patch, at, weight } of problem.edges) {
    const { x, y, d } = patches[source]![patch]!;
    const G = compose(poses[target]!, inverse(poses[source]!));
    const J = linearize(camera, G, x, y, d);
    const r = [at[0] - J.at[0], at[1] - J.at[1]] as const;
    const inside =
      J.at[0] > -options.margin &&
      J.at[1] > -options.margin &&
      J.at[0] < camera.width + options.margin &&
      J.at[1] < camera.height + options.margin;
    if (!(J.z > options.minDepth && Math.hypot(...r) < options.maxResidual && inside)) continue;
    if (!weight.every(Number.isFinite)) continue;
    if (source !== target && weight[0] + weight[1] > 0) validEdges++;
    const k = source * M + patch;
    const blocks = [
      { at: 6 * variables[source]!, rows: J.bySource },
      { at: 6 * variables[target]!, rows: J.byTarget },
    ].filter((block) => block.at >= 0);
    for (const row of [0, 1] as const) {
      const w = weight[row];
      C[k]! += w * J.byDepth[row] ** 2;
      u[k]! += w * J.byDepth[row] * r[row];
      for (const a of blocks) {
        for (let p = 0; p < 6; p++) {
          v[a.at + p]! += w * a.rows[row][p]! * r[row];
          E[a.at + p]![k]! += w * a.rows[row][p]! * J.byDepth[row];
          for (const b of blocks)
            for (let q = 0; q < 6; q++) B[a.at + p]![b.at + q]! += w * a.rows[row][p]! * b.rows[row][q]!;
        }
      }
    }
  }
  return { B, E, v, C, u, validEdges };
}

/** One Gauss-Newton step, in place. */
function step(problem: DenseProblem, options: BundleAdjustOptions): number {
  const { B, E, v, C, u, validEdges } = normalEquations(problem, options);
  const n = v.length;
  const Q = C.map((c) => 1 / (c + options.depthDamping));
  for (let r = 0; r < n; r++) {
    for (let k = 0; k < Q.length; k++) {
      if (E[r]![k] === 0) continue;
      v[r]! -= E[r]![k]! * Q[k]! * u[k]!;
      for (let c = 0; c < n; c++) B[r]![c]! -= E[r]![k]! * Q[k]! * E[c]![k]!;
    }
  }
  for (let r = 0; r < n; r++) B[r]![r]! += options.poseDampingRelative * B[r]![r]! + options.poseDamping;
  const xi = solve(B, v)!;
  problem.variables.forEach((variable, slot) => {
    if (variable < 0) return;
    problem.poses[slot] = compose(exp(xi.slice(6 * variable, 6 * variable + 6) as Tangent), problem.poses[slot]!);
  });
  const M = problem.patches[0]!.length;
  const sources = new Set(problem.edges.filter(({ source, target }) => source !== target).map(({ source }) => source));
  for (const source of sources) {
    problem.patches[source]!.forEach((patch, i) => {
      const k = source * M + i;
      patch.d += Q[k]! * (u[k]! - E.reduce((sum, row, r) => sum + row[k]! * xi[r]!, 0));
      if (patch.d > options.maxInverseDepth) patch.d = options.resetInverseDepth;
      patch.d = Math.max(patch.d, options.minInverseDepth);
    });
  }
  return validEdges;
}

/** Moves poses and depths of the problem as bundle adjustment should. Returns the edges used in the last iteration. */
export function denseBundleAdjust(problem: DenseProblem, options: BundleAdjustOptions): number {
  let validEdges = 0;
  for (let i = 0; i < options.iterations; i++) validEdges = step(problem, options);
  return validEdges;
}

/**
 * Covariance [6][6] of the last pose variable at the poses and depths of the problem: its block of the inverse of the whole information matrix of poses and depths, without
 * any elimination. The damping of the poses is that of the reduced system.
 */
export function denseCovariance(problem: DenseProblem, options: BundleAdjustOptions): number[][] {
  const { B, E, C } = normalEquations(problem, options);
  const [n, depths] = [B.length, C.length];
  const information = zeros(n + depths, n + depths);
  for (let k = 0; k < depths; k++) information[n + k]![n + k] = C[k]! + options.depthDamping;
  for (let r = 0; r < n; r++) {
    for (let c = 0; c < n; c++) information[r]![c] = B[r]![c]!;
    for (let k = 0; k < depths; k++) information[r]![n + k] = information[n + k]![r] = E[r]![k]!;
    const reduced = E[r]!.reduce((sum, e, k) => sum - (e * e) / (C[k]! + options.depthDamping), B[r]![r]!);
    information[r]![r]! += options.poseDampingRelative * reduced + options.poseDamping;
  }
  const unit = (at: number) => Array.from({ length: n + depths }, (_, i) => (i === at ? 1 : 0));
  return Array.from({ length: 6 }, (_, i) => solve(information, unit(n - 6 + i))!.slice(n - 6, n));
}
