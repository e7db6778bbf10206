// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import type { Pose } from '../../src/odometry/Pose.ts';
import { compose, exp, inverse, type Tangent } from '../../src/odometry/se3.ts';
import { CAMERA } from './adjustProblem.ts';
import { linearize } from './denseBundleAdjust.ts';
import { normal, random } from './makeOps.ts';

const STEP = 1e-5;

/** Central difference of both coordinates of the prediction along one variable. */
function slope(predict: (h: number) => [number, number]): [number, number] {
  const [a, b] = [predict(-STEP), predict(STEP)];
  return [(b[0] - a[0]) / (2 * STEP), (b[1] - a[1]) / (2 * STEP)];
}

const along = (axis: number, h: number) => [0, 1, 2, 3, 4, 5].map((i) => (i === axis ? h : 0)) as Tangent;

describe('Jacobians of the prediction of a patch', () => {
  it('equal central finite differences', () => {
    const next = random(3);
    let worst = 0;
    const compare = (formula: number, difference: number) => {
      worst = Math.max(worst, Math.abs(formula - difference) / Math.max(1, Math.abs(difference)));
    };
    let checked = 0;
    while (checked < 200) {
      const pose = () => exp(Array.from({ length: 6 }, () => 0.4 * normal(next)) as Tangent);
      const [source, target] = [pose(), pose()];
      const [x, y, d] = [32 * next(), 24 * next(), 0.05 + next()];
      const at = (s: Pose, t: Pose, depth: number) => linearize(CAMERA, compose(t, inverse(s)), x, y, depth);
      const J = at(source, target, d);
      if (J.z < 0.3) continue;
      checked++;
      const byDepth = slope((h) => at(source, target, d + h).at);
      for (const row of [0, 1] as const) compare(J.byDepth[row], byDepth[row]);
      for (let axis = 0; axis < 6; axis++) {
        const byTarget = slope((h) => at(source, compose(exp(along(axis, h)), target), d).at);
        const bySource = slope((h) => at(compose(exp(along(axis, h)), source), target, d).at);
        for (const row of [0, 1] as const) {
          compare(J.byTarget[row][axis]!, byTarget[row]);
          compare(J.bySource[row][axis]!, bySource[row]);
        }
      }
    }
    // Error of the difference: h^2 times a third derivative of up to 1e3, and rounding 1e-14 / h; measured 1.1e-7.
    assert.ok(worst < 1e-6, `worst relative error ${worst}`);
  });
});
