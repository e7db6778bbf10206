// SPDX-License-Identifier: MIT
import type { Pose } from '../odometry/Pose.ts';
import { compose, type Quat, rotate, type Vec3 } from '../odometry/se3.ts';
import { symmetricEigen } from './symmetricEigen.ts';

/** `sim3`: rotation, translation and scale (a monocular estimate has no scale of its own); `se3`: scale stays 1. */
export type AlignmentKind = 'sim3' | 'se3';

/** The similarity p_reference = scale R(q) p_estimate + t that is best in the least-squares sense. */
export interface Alignment {
  kind: AlignmentKind;
  /** Metres per unit of the estimate; 1 for se3. */
  scale: number;
  q: Quat;
  t: Vec3;
  /** Root mean square distance of the aligned positions, metres. */
  rmseM: number;
  /** False when the positions lie on one line: position errors hold, but the turn about that line, and so the attitude, is arbitrary. */
  rotationDetermined: boolean;
}

/** Positions that admit no alignment are a value: `reason` says what they lack. */
export type AlignmentResult = { ok: true; alignment: Alignment } | { ok: false; reason: string };

const FEWEST_POSES = 3;
/** Spread below which positions count as one point, relative to their distance from the origin (double precision leaves about 1e-16). */
const EQUAL_SPREAD = 1e-9;
/** Gap of the two largest eigenvalues, relative, below which the rotation is not determined. */
const EIGEN_GAP = 1e-9;

/**
 * Running means and second moments of position pairs: all that an alignment and its residual need, in constant memory.
 * Solves Umeyama (1991), "Least-squares estimation of transformation parameters between two point patterns". The rotation is found with the quaternion of
 * Horn (1987): the largest eigenvalue of his 4x4 matrix is the maximum of tr(R C) over proper rotations, so it equals tr(D S) of Umeyama's equations
 * 40 to 43, and patterns that are mirror images get the best rotation, never a reflection.
 */
export class PairMoments {
  #count = 0;
  readonly #meanS: Vec3 = [0, 0, 0];
  readonly #meanT: Vec3 = [0, 0, 0];
  /** Sum of products of deviations, [source axis][target axis]. */
  readonly #cross = [
    [0, 0, 0],
    [0, 0, 0],
    [0, 0, 0],
  ];
  #squaresS = 0;
  #squaresT = 0;

  get count(): number {
    return this.#count;
  }

  add(source: Vec3, target: Vec3): void {
    const n = ++this.#count;
    const before: number[] = [];
    for (let i = 0; i < 3; i++) {
      const ds = source[i]! - this.#meanS[i]!;
      const dt = target[i]! - this.#meanT[i]!;
      this.#meanS[i]! += ds / n;
      this.#meanT[i]! += dt / n;
      this.#squaresS += ds * (source[i]! - this.#meanS[i]!);
      this.#squaresT += dt * (target[i]! - this.#meanT[i]!);
      before.push(ds);
    }
    for (let i = 0; i < 3; i++) {
      for (let j = 0; j < 3; j++) this.#cross[i]![j]! += before[i]! * (target[j]! - this.#meanT[j]!);
    }
  }

  solve(kind: AlignmentKind): AlignmentResult {
    if (this.#count < FEWEST_POSES) {
      return { ok: false, reason: `${this.#count} matched poses, at least ${FEWEST_POSES} are needed` };
    }
    const varianceS = this.#squaresS / this.#count;
    const varianceT = this.#squaresT / this.#count;
    if (isOnePoint(varianceS, this.#meanS)) return { ok: false, reason: 'all estimated positions are equal' };
    if (isOnePoint(varianceT, this.#meanT)) return { ok: false, reason: 'all reference positions are equal' };
    const { values, vectors } = symmetricEigen(hornMatrix(this.#cross, this.#count));
    const [w, x, y, z] = vectors[0] as [number, number, number, number];
    const q: Quat = [x, y, z, w];
    const best = values[0] as number;
    const scale = kind === 'sim3' ? best / varianceS : 1;
    if (!(scale > 0))
      return { ok: false, reason: 'estimate and reference do not move together: the best scale is zero' };
    const squared = varianceT - 2 * scale * best + scale * scale * varianceS;
    const r = rotate(q, this.#meanS);
    return {
      ok: true,
      alignment: {
        kind,
        scale,
        q,
        t: [this.#meanT[0] - scale * r[0], this.#meanT[1] - scale * r[1], this.#meanT[2] - scale * r[2]],
        rmseM: Math.sqrt(Math.max(0, squared)),
        rotationDetermined: best - (values[1] as number) > EIGEN_GAP * best,
      },
    };
  }
}

function isOnePoint(variance: number, mean: Vec3): boolean {
  return Math.sqrt(variance) <= EQUAL_SPREAD * Math.max(1, Math.hypot(...mean));
}

/** Horn's matrix N for the quaternion (w, x, y, z) that turns source into target. */
function hornMatrix(cross: number[][], count: number): number[][] {
  const [[xx, xy, xz], [yx, yy, yz], [zx, zy, zz]] = cross.map((row) => row.map((value) => value / count)) as [
    Vec3,
    Vec3,
    Vec3,
  ];
  return [
    [xx + yy + zz, yz - zy, zx - xz, xy - yx],
    [yz - zy, xx - yy - zz, xy + yx, zx + xz],
    [zx - xz, xy + yx, yy - xx - zz, yz + zy],
    [xy - yx, zx + xz, yz + zy, zz - xx - yy],
  ];
}

/** Best alignment of source positions to target positions of the same number. */
export function align(source: readonly Vec3[], target: readonly Vec3[], kind: AlignmentKind): AlignmentResult {
  const moments = new PairMoments();
  source.forEach((point, i) => {
    moments.add(point, target[i] as Vec3);
  });
  return moments.solve(kind);
}

/** A point of the estimate in the frame of the reference. */
export function alignPoint(a: Alignment, p: Vec3): Vec3 {
  const r = rotate(a.q, p);
  return [a.scale * r[0] + a.t[0], a.scale * r[1] + a.t[1], a.scale * r[2] + a.t[2]];
}

/** A pose of the estimate in the frame of the reference. */
export function alignPose(a: Alignment, pose: Pose): Pose {
  return { t: alignPoint(a, pose.t), q: compose({ t: [0, 0, 0], q: a.q }, pose).q };
}
