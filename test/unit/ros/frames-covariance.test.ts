// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import type { Pose } from '../../../src/odometry/Pose.ts';
import { compose, exp, inverse, log, type Tangent, type Vec3 } from '../../../src/odometry/se3.ts';
import {
  addVariance,
  carry,
  diagonalBound,
  isPositiveDefinite,
  LOST_COVARIANCE,
  limitDeviation,
} from '../../../src/ros/frames/covariance6.ts';
import { OdomFrame } from '../../../src/ros/frames/OdomFrame.ts';
import { covarianceInBase, covarianceInOdom } from '../../../src/ros/frames/poseCovariance.ts';
import { assertNear, Chance, FORWARD } from './frames-geometry.ts';

const diagonal = (values: readonly number[]) =>
  Float64Array.from({ length: 36 }, (_, i) => (i % 7 === 0 ? values[i / 7]! : 0));

/** A lower factor with entries of this size. */
function factor(chance: Chance, size: number): Float64Array {
  return Float64Array.from({ length: 36 }, (_, i) => (i % 6 <= Math.floor(i / 6) ? size * chance.normal() : 0));
}

const applied = (L: ArrayLike<number>, z: readonly number[]) =>
  Array.from({ length: 6 }, (_, row) => z.reduce((sum, v, k) => sum + L[6 * row + k]! * v, 0)) as Tangent;

/** (t' - t, Log(R' R^T)): the error about the fixed axes of the frame that both poses are given in. */
function fixedAxisError(a: Pose, b: Pose): Tangent {
  const { q } = compose({ t: [0, 0, 0], q: b.q }, inverse({ t: [0, 0, 0], q: a.q }));
  return [b.t[0] - a.t[0], b.t[1] - a.t[1], b.t[2] - a.t[2], ...(log({ t: [0, 0, 0], q }).slice(3) as Vec3)];
}

/** One odometry with all that may be in the way: a mounting with a lever arm, a scale, and an odom that has been moved. */
function setting(seed: number) {
  const chance = new Chance(seed);
  const T_base_camera = chance.pose();
  const [T_world_camera, elsewhere, moved] = [chance.pose(), chance.pose(), chance.pose()];
  const scale = 0.3 + 2 * chance.next();
  const poseOf = (pose: Pose): Pose => {
    const frame = new OdomFrame(T_base_camera);
    frame.update({ segment: 0, T_world_camera: elsewhere, scale });
    frame.moveTo(moved);
    return frame.update({ segment: 0, T_world_camera: pose, scale });
  };
  /** The pose in odom when T_camera_world is Exp(xi) T_camera_world. */
  const perturbed = (xi: Tangent) => poseOf(inverse(compose(exp(xi), inverse(T_world_camera))));
  return { chance, T_base_camera, scale, perturbed, T_odom_base: poseOf(T_world_camera) };
}

describe('covariance of a pose in odom', () => {
  it('has the derivative of the real formula, for any mounting, scale and odom', () => {
    for (let seed = 1; seed <= 20; seed++) {
      const { T_base_camera, scale, perturbed, T_odom_base } = setting(seed);
      // One direction of xi at a time: the covariance is the outer product of its derivative.
      for (let k = 0; k < 6; k++) {
        const h = 1e-6;
        const along = (d: number) => perturbed([0, 0, 0, 0, 0, 0].map((_, i) => (i === k ? d : 0)) as Tangent);
        const slope = fixedAxisError(along(-h), along(h)).map((v) => v / (2 * h));
        const raw = diagonal([0, 1, 2, 3, 4, 5].map((i) => (i === k ? 1 : 0)));
        const got = covarianceInOdom(covarianceInBase(raw, scale, T_base_camera), T_odom_base);
        const expected = Float64Array.from({ length: 36 }, (_, i) => slope[Math.floor(i / 6)]! * slope[i % 6]!);
        assertNear(got, expected, 1e-6);
      }
    }
  });

  it('is the covariance of sampled poses', () => {
    const { chance, T_base_camera, scale, perturbed, T_odom_base } = setting(77);
    const L = factor(chance, 1e-3);
    const identity = diagonal([1, 1, 1, 1, 1, 1]);
    const raw = carry(L, identity);
    const n = 20_000;
    const sum = new Float64Array(36);
    for (let sample = 0; sample < n; sample++) {
      const e = fixedAxisError(
        T_odom_base,
        perturbed(
          applied(
            L,
            Array.from({ length: 6 }, () => chance.normal()),
          ),
        ),
      );
      for (let i = 0; i < 36; i++) sum[i]! += (e[Math.floor(i / 6)]! * e[i % 6]!) / n;
    }
    const got = covarianceInOdom(covarianceInBase(raw, scale, T_base_camera), T_odom_base);
    for (let i = 0; i < 36; i++) {
      const widths = Math.sqrt(got[7 * Math.floor(i / 6)]! * got[7 * (i % 6)]!);
      // An entry of a sample covariance has a standard deviation of at most sqrt(2 / n) = 1 % of this; five of them.
      assert.ok(Math.abs(sum[i]! - got[i]!) < 0.05 * widths, `[${i}] ${sum[i]} ${got[i]}`);
    }
  });

  it('of a forward camera: unsure along its optical axis is unsure along x of base_link', () => {
    const T_base_camera: Pose = { t: [0, 0, 0], q: FORWARD };
    const inBase = covarianceInBase(diagonal([1, 2, 3, 4, 5, 6]), 1, T_base_camera);
    // x right, y down, z forward -> x forward, y left, z up
    assertNear(inBase, diagonal([3, 1, 2, 6, 4, 5]));
    // Heading +90 degrees: forward is y of odom.
    const left: Pose = { t: [7, 8, 9], q: [0, 0, Math.SQRT1_2, Math.SQRT1_2] };
    assertNear(covarianceInOdom(inBase, left), diagonal([1, 3, 2, 4, 6, 5]));
  });

  it('a lever arm turns uncertainty of the heading into that of the position', () => {
    const raw = diagonal([0, 0, 0, 0, 0.01, 0]);
    const inBase = covarianceInBase(raw, 1, { t: [2, 0, 0], q: FORWARD });
    // Turning about y of the camera (down) is yaw: base_link, 2 m behind it, swings sideways.
    assertNear([inBase[7]!, inBase[35]!, Math.abs(inBase[11]!)], [0.04, 0.01, 0.02]);
    assertNear([inBase[0]!, inBase[14]!], [0, 0]);
  });

  it('the scale widens positions only', () => {
    const inBase = covarianceInBase(diagonal([1, 1, 1, 1, 1, 1]), 10, { t: [0, 0, 0], q: FORWARD });
    assertNear(inBase, diagonal([100, 100, 100, 1, 1, 1]));
  });
});

describe('6x6 matrices', () => {
  it('tells positive definite from the rest', () => {
    const chance = new Chance(5);
    for (let i = 0; i < 50; i++) {
      const L = factor(chance, 1);
      const C = addVariance(carry(L, diagonal([1, 1, 1, 1, 1, 1])), 1e-3, 1e-3);
      assert.equal(isPositiveDefinite(C), true);
      const k = i % 6;
      assert.equal(isPositiveDefinite(C.map((v, at) => (at === 7 * k ? -v : v))), false);
    }
    assert.equal(isPositiveDefinite(new Float64Array(36)), false);
    assert.equal(isPositiveDefinite(LOST_COVARIANCE), true);
    for (const bad of [Number.NaN, Number.POSITIVE_INFINITY]) {
      assert.equal(isPositiveDefinite(diagonal([1, 1, bad, 1, 1, 1])), false);
    }
  });

  it('bounds an indefinite matrix from above', () => {
    const chance = new Chance(6);
    for (let i = 0; i < 50; i++) {
      const A = Float64Array.from({ length: 36 }, () => chance.normal());
      const C = A.map((v, at) => v + A[6 * (at % 6) + Math.floor(at / 6)]!);
      const rest = diagonalBound(C).map((v, at) => v - C[at]!);
      assert.equal(isPositiveDefinite(addVariance(rest, 1e-9, 1e-9)), true);
    }
  });

  it('limits deviations and keeps what is inside them, and the correlations', () => {
    const C = diagonal([100, 1, 1, 1, 1, 1]);
    C[1] = 5;
    C[6] = 5;
    const limited = limitDeviation(C, 2, 2);
    assertNear([limited[0]!, limited[1]!, limited[6]!, limited[7]!], [4, 1, 1, 1]);
    assert.deepEqual(limitDeviation(C, 100, 100), C);
  });

  it('lost is 9999 on the diagonal', () => {
    assert.deepEqual(Float64Array.from(LOST_COVARIANCE), diagonal([9999, 9999, 9999, 9999, 9999, 9999]));
    assert.throws(() => {
      (LOST_COVARIANCE as number[])[0] = 1;
    });
  });
});
