// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { factorOf, solveLower } from '../../bench/covariance/cholesky.ts';
import { consistency } from '../../bench/covariance/consistency.ts';
import { type ErrorSample, errorSamples } from '../../bench/covariance/errorSamples.ts';
import { fitModel, modelCovariance } from '../../bench/covariance/fitModel.ts';
import type { LivePose } from '../../bench/covariance/LivePose.ts';
import { nelderMead } from '../../bench/covariance/nelderMead.ts';
import { IDENTITY, type Pose } from '../../src/odometry/Pose.ts';
import { compose, exp } from '../../src/odometry/se3.ts';
import type { UncertaintyModel } from '../../src/ros/frames/uncertaintyModel.ts';
import { normal, random } from '../native/makeOps.ts';

const TRUE_MODEL: UncertaintyModel = {
  inflation: 40,
  positionPerMetre: 0.03,
  rotationPerMetre: 0.004,
  positionFloor: 0.003,
  rotationFloor: 0.002,
  lossSpeed: 0.5,
};

/** Samples whose errors are drawn from the covariance of the model. */
function drawnSamples(count: number, model: UncertaintyModel): ErrorSample[] {
  const next = random(5);
  return Array.from({ length: count }, () => {
    const J = Float64Array.from({ length: 36 }, (_, i) => (i % 7 === 0 ? 1 : 0.3 * normal(next)));
    const sigma = 10 ** (-3.5 + 1.5 * next());
    const inBase = Float64Array.from({ length: 36 }, (_, i) => {
      let sum = 0;
      for (let k = 0; k < 6; k++) sum += J[6 * Math.floor(i / 6) + k]! * J[6 * (i % 6) + k]!;
      return sigma * sigma * sum;
    });
    const T_odom_base = exp([1, 2, 3, normal(next), normal(next), normal(next)]);
    const sample = { horizon: 1, distanceM: 10 * next() ** 3, error: new Float64Array(6), T_odom_base, inBase };
    const L = factorOf(modelCovariance(model, sample), 6);
    const z = Array.from({ length: 6 }, () => normal(next));
    const error = Float64Array.from({ length: 6 }, (_, r) => z.reduce((sum, v, c) => sum + L[6 * r + c]! * v, 0));
    return { ...sample, error };
  });
}

describe('fit of the pose covariance', () => {
  it('finds the constants that the errors were drawn from', function () {
    this.timeout(60_000);
    const samples = drawnSamples(200, TRUE_MODEL);
    const found = fitModel(samples);
    for (const name of ['inflation', 'positionPerMetre', 'rotationPerMetre'] as const) {
      const ratio = found[name] / TRUE_MODEL[name];
      // 200 samples of three components each, shared by several constants: about 10 % of a standard deviation, 20 % of a variance.
      assert.ok(ratio > 0.6 && ratio < 1.67, `${name}: ${found[name]} instead of ${TRUE_MODEL[name]}`);
    }
    const { position, rotation } = consistency(samples, found);
    for (const { mean, within95 } of [position, rotation]) {
      assert.ok(Math.abs(mean - 1) < 0.15, `NEES / 3 is ${mean}`);
      assert.ok(Math.abs(within95 - 0.95) < 0.03, `${within95} within 95 %`);
    }
  });

  it('tells a covariance that is too small from one that is too large', () => {
    const samples = drawnSamples(300, TRUE_MODEL);
    const small = consistency(samples, { ...TRUE_MODEL, inflation: 1, positionPerMetre: 0.003, positionFloor: 1e-4 });
    const large = consistency(samples, { ...TRUE_MODEL, inflation: 4000, positionPerMetre: 0.3 });
    assert.ok(small.position.mean > 3 && small.position.within95 < 0.8);
    assert.ok(large.position.mean < 0.3 && large.position.within95 > 0.99);
  });
});

/** Live poses along a curve in a world of their own, half as large as the true one. */
function perfectRun(count: number): LivePose[] {
  const start = exp([3, -2, 1, 0.4, -0.2, 0.9]);
  const T_true_own = exp([5, 6, 7, -1, 0.5, 0.3]);
  return Array.from({ length: count }, (_, index) => {
    const truth = compose(start, exp([0.1 * index, 0.02 * index, 0.01 * index ** 1.5, 0, 0.01 * index, 0.003 * index]));
    const own = compose(T_true_own, truth);
    const estimate: Pose = { t: [own.t[0] / 2, own.t[1] / 2, own.t[2] / 2], q: own.q };
    return { index, segment: index < 100 ? 0 : 3, estimate, truth, raw: new Float64Array(36).fill(0.01) };
  });
}

describe('errors of live poses', () => {
  it('are nothing for a run that is right up to its scale and its world', () => {
    const samples = errorSamples(perfectRun(100));
    assert.ok(samples.length > 40);
    for (const { error } of samples) assert.ok(error.every((v) => Math.abs(v) < 1e-9));
    const longest = samples.find(({ horizon }) => horizon === 60)!;
    assert.ok(Math.abs(longest.distanceM - Math.hypot(...longest.T_odom_base.t)) < 0.3 * longest.distanceM);
    // Variances of positions grow with the square of the scale.
    assert.ok(Math.abs(longest.inBase[0]! - 0.04) < 1e-9 && Math.abs(longest.inBase[35]! - 0.01) < 1e-9);
  });

  it('are those about the axes of odom: displaced and turned', () => {
    const run = perfectRun(60);
    const offset: Pose = { t: [0.05, 0, 0], q: [0, 0, 0, 1] };
    const bad = run[30]!;
    // Half a unit is a metre; the error is given in the world of the estimate, then seen from the base at the origin.
    bad.estimate = compose(offset, compose(bad.estimate, exp([0, 0, 0, 0, 0, 0.02])));
    const found = errorSamples(run).find(({ horizon, distanceM }) => horizon === 30 && distanceM > 0)!;
    assert.ok(Math.abs(Math.hypot(...found.error.subarray(0, 3)) - 0.1) < 0.02);
    assert.ok(Math.abs(Math.hypot(...found.error.subarray(3)) - 0.02) < 1e-6);
  });

  it('stay within a segment, and need enough of one', () => {
    const run = perfectRun(160);
    const apart = errorSamples(run.filter(({ segment }) => segment === 0)).length;
    const other = errorSamples(run.filter(({ segment }) => segment === 3)).length;
    assert.ok(other > 0);
    assert.equal(errorSamples(run).length, apart + other);
    assert.deepEqual(errorSamples(run.slice(0, 20)), []);
    const still = run.map((pose) => ({ ...pose, estimate: { ...IDENTITY } as Pose }));
    assert.deepEqual(errorSamples(still), []);
    assert.deepEqual(errorSamples([]), []);
  });
});

describe('small linear algebra of the fit', () => {
  it('factorises and solves', () => {
    const A = [4, 2, 0.4, 2, 5, 1, 0.4, 1, 3];
    const L = factorOf(A, 3);
    for (let r = 0; r < 3; r++) {
      for (let c = 0; c < 3; c++) {
        let sum = 0;
        for (let k = 0; k < 3; k++) sum += L[3 * r + k]! * L[3 * c + k]!;
        assert.ok(Math.abs(sum - A[3 * r + c]!) < 1e-12);
      }
    }
    const x = solveLower(L, [1, 2, 3], 3);
    assert.ok(Math.abs(L[6]! * x[0]! + L[7]! * x[1]! + L[8]! * x[2]! - 3) < 1e-12);
    assert.ok(factorOf([1, 2, 2, 1], 2).some(Number.isNaN));
  });

  it('finds the least value of a curved valley', () => {
    // Rosenbrock's function.
    const valley = ([x, y]: readonly number[]) => (1 - x!) ** 2 + 100 * (y! - x! ** 2) ** 2 + 1;
    const [x, y] = nelderMead(valley, [-1.2, 1], 0.5, 2000);
    assert.ok(Math.abs(x! - 1) < 0.01 && Math.abs(y! - 1) < 0.02, `${x}, ${y}`);
  });
});
