// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { type MotionModel, predictPose } from '../../../src/odometry/motionModel.ts';
import type { Pose } from '../../../src/odometry/Pose.ts';
import { compose, exp, inverse, log, type Tangent } from '../../../src/odometry/se3.ts';

const XI: Tangent = [0.3, -0.1, 0.2, 0.05, 0.1, -0.2];
const BEFORE = exp([1, 2, 3, 0.3, 0.2, 0.1]);
const LAST = compose(exp(XI), BEFORE);
const DAMPED: MotionModel = { kind: 'damped_linear', damping: 0.5 };

/** How much of the last motion the prediction goes on with. */
function share(model: MotionModel, stampsNs: bigint[]): number {
  const step = log(compose(predictPose(model, LAST, BEFORE, stampsNs), inverse(LAST)));
  const s = step[0] / XI[0];
  step.forEach((v, i) => {
    assert.ok(Math.abs(v - s * XI[i]!) < 1e-12, `the step ${step} does not go along the last motion`);
  });
  return s;
}

const near = (a: number, b: number) => assert.ok(Math.abs(a - b) < 1e-12, `${a} instead of ${b}`);

describe('prediction of the next pose', () => {
  it('goes on with the damped share of the last motion', () => {
    near(share(DAMPED, [0n, 50n, 100n]), 0.5);
    near(share({ ...DAMPED, damping: 1 }, [0n, 50n, 100n]), 1);
    near(share({ ...DAMPED, damping: 0 }, [0n, 50n, 100n]), 0);
  });

  it('scales with the ratio of the last two time steps, within 0 to 3', () => {
    near(share(DAMPED, [0n, 50n, 150n]), 1);
    near(share(DAMPED, [0n, 100n, 125n]), 0.125);
    near(share(DAMPED, [0n, 1n, 1_000_000n]), 1.5);
    near(share(DAMPED, [0n, 50n, 20n]), 0);
  });

  it('uses the newest three stamps', () => near(share(DAMPED, [0n, 1000n, 1050n, 1150n]), 1));

  it('takes equal steps when the stamps say nothing', () => {
    near(share(DAMPED, [0n, 0n, 50n]), 0.5);
    near(share(DAMPED, [50n, 0n, 100n]), 0.5);
    near(share(DAMPED, [0n, 50n]), 0.5);
    near(share(DAMPED, []), 0.5);
  });

  it('keeps nanoseconds of this century apart', () => {
    const t = 1403638538577829376n;
    near(share(DAMPED, [t, t + 50n, t + 75n]), 0.25);
  });

  it('stays at the last pose without a motion, or with constant_position', () => {
    const stamps = [0n, 50n, 100n];
    assert.deepEqual(predictPose(DAMPED, LAST, undefined, stamps), LAST);
    assert.deepEqual(predictPose({ kind: 'constant_position', damping: 0.5 }, LAST, BEFORE, stamps), LAST);
    const same: Pose = predictPose(DAMPED, LAST, LAST, stamps);
    assert.ok(Math.hypot(...log(compose(same, inverse(LAST)))) < 1e-12);
  });
});
