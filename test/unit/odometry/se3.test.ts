// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { IDENTITY, type Pose } from '../../../src/odometry/Pose.ts';
import {
  angleRad,
  compose,
  exp,
  interpolate,
  inverse,
  isFinitePose,
  log,
  rotate,
  type Tangent,
  transform,
  type Vec3,
} from '../../../src/odometry/se3.ts';
import { normal, random } from '../../native/makeOps.ts';

/** Unless said otherwise: rounding of double precision, some operations on numbers of order 1. */
const TIGHT = 1e-12;

function distance(a: readonly number[], b: readonly number[]): number {
  return Math.max(...a.map((v, i) => Math.abs(v - b[i]!)));
}

/** q and -q are the same rotation. */
function poseDistance(a: Pose, b: Pose): number {
  const sign = Math.sign(a.q.reduce((sum, v, i) => sum + v * b.q[i]!, 0));
  return Math.max(
    distance(a.t, b.t),
    distance(
      a.q,
      b.q.map((v) => sign * v),
    ),
  );
}

function assertSame(a: Pose, b: Pose, tolerance = TIGHT): void {
  const d = poseDistance(a, b);
  assert.ok(d < tolerance, `poses differ by ${d}`);
}

const next = random(1);
const vector = () => [normal(next), normal(next), normal(next)] as Vec3;

/** A tangent with a rotation of this angle about a random axis. */
function tangentOf(angle: number): Tangent {
  const axis = vector();
  const n = Math.hypot(...axis);
  return [...vector(), ...(axis.map((v) => (v / n) * angle) as Vec3)];
}

const randomPose = () => exp(tangentOf(3 * next()));
const times = (n: number, body: () => void) => {
  for (let i = 0; i < n; i++) body();
};

/** exp by its series, sum of hat(xi)^k / k! as 4x4 matrices. */
function seriesExp(xi: Tangent): number[][] {
  const [x, y, z, a, b, c] = xi;
  const hat = [
    [0, -c, b, x],
    [c, 0, -a, y],
    [-b, a, 0, z],
    [0, 0, 0, 0],
  ];
  const product = (A: number[][], B: number[][]) =>
    A.map((row) => B[0]!.map((_, j) => row.reduce((sum, v, k) => sum + v * B[k]![j]!, 0)));
  let term: number[][] = [0, 1, 2, 3].map((i) => [0, 1, 2, 3].map((j) => (i === j ? 1 : 0)));
  let sum = term;
  for (let k = 1; k < 60; k++) {
    term = product(term, hat).map((row) => row.map((v) => v / k));
    sum = sum.map((row, i) => row.map((v, j) => v + term[i]![j]!));
  }
  return sum;
}

describe('SE(3) exponential and logarithm', () => {
  for (const angle of [0, 1e-12, 1e-7, 0.99e-5, 1.01e-5, 0.99e-4, 1.01e-4, 1e-3, 0.5, 2, 3, Math.PI]) {
    it(`exp is the matrix exponential at ${angle} rad`, () => {
      times(20, () => {
        const xi = tangentOf(angle);
        const T = exp(xi);
        const expected = seriesExp(xi);
        const columns = [rotate(T.q, [1, 0, 0]), rotate(T.q, [0, 1, 0]), rotate(T.q, [0, 0, 1]), T.t];
        columns.forEach((column, j) => {
          const d = distance(
            column,
            [0, 1, 2].map((i) => expected[i]![j]!),
          );
          // (1 - cos) / theta^2 near the end of the series loses half the digits: 1e-16 / 1e-10.
          assert.ok(d < (angle < 1e-3 ? 1e-10 : TIGHT), `column ${j} differs by ${d}`);
        });
      });
    });

    it(`log undoes exp at ${angle} rad`, () => {
      times(20, () => {
        const xi = tangentOf(angle);
        const back = log(exp(xi));
        // At pi the axis may come out reversed: then the translation belongs to the other axis, and only exp(log) is unique.
        if (angle < Math.PI) assert.ok(distance(back, xi) < 1e-9, `differs by ${distance(back, xi)}`);
        assertSame(exp(back), exp(xi), 1e-9);
      });
    });
  }

  it('log undoes exp up to pi', () => {
    for (const gap of [1e-2, 1e-4, 1e-6, 1e-8, 1e-10, 1e-12]) {
      times(20, () => {
        const T = exp(tangentOf(Math.PI - gap));
        // sin(theta) near pi is known to 1e-16 / gap.
        assertSame(exp(log(T)), T, Math.max(1e-12, 1e-15 / gap));
      });
    }
  });

  it('log does not care about the sign of the quaternion', () => {
    times(20, () => {
      const T = randomPose();
      const opposite: Pose = { t: T.t, q: T.q.map((v) => -v) as Pose['q'] };
      assert.ok(distance(log(opposite), log(T)) < TIGHT);
      assert.ok(Math.hypot(...log(T).slice(3)) <= Math.PI + TIGHT);
    });
  });
});

describe('SE(3) group', () => {
  it('inverse, associativity, identity', () => {
    times(100, () => {
      const [a, b, c] = [randomPose(), randomPose(), randomPose()];
      assertSame(compose(a, inverse(a)), IDENTITY);
      assertSame(compose(inverse(a), a), IDENTITY);
      assertSame(compose(compose(a, b), c), compose(a, compose(b, c)));
      assertSame(inverse(compose(a, b)), compose(inverse(b), inverse(a)));
      assertSame(compose(a, IDENTITY), a);
      assertSame(compose(IDENTITY, a), a);
    });
  });

  it('acts on points: T_a_b T_b_c p = T_a_b (T_b_c p)', () => {
    times(100, () => {
      const [a, b, p] = [randomPose(), randomPose(), vector()];
      assert.ok(distance(transform(compose(a, b), p), transform(a, transform(b, p))) < TIGHT);
      assert.ok(distance(transform(inverse(a), transform(a, p)), p) < TIGHT);
      assert.ok(distance(rotate(a.q, p), transform({ t: [0, 0, 0], q: a.q }, p)) < TIGHT);
    });
  });

  it('exp(Ad(T) xi) = T exp(xi) T^-1 with Ad = [[R, [t]x R], [0, R]]', () => {
    times(100, () => {
      const T = randomPose();
      const xi = tangentOf(2 * next());
      const [tau, phi] = [rotate(T.q, [xi[0], xi[1], xi[2]]), rotate(T.q, [xi[3], xi[4], xi[5]])];
      const [tx, ty, tz] = T.t;
      const moved: Vec3 = [ty * phi[2] - tz * phi[1], tz * phi[0] - tx * phi[2], tx * phi[1] - ty * phi[0]];
      const adjoint: Tangent = [tau[0] + moved[0], tau[1] + moved[1], tau[2] + moved[2], ...phi];
      assertSame(exp(adjoint), compose(compose(T, exp(xi)), inverse(T)));
    });
  });

  it('quaternions stay of unit length over many products', () => {
    let T = randomPose();
    const step = exp(tangentOf(0.1));
    times(10000, () => {
      T = compose(step, T);
    });
    assert.ok(Math.abs(Math.hypot(...T.q) - 1) < TIGHT);
  });
});

describe('between two poses', () => {
  it('starts at the one, ends at the other, and turns evenly about one axis', () => {
    times(50, () => {
      const [a, b] = [randomPose(), randomPose()];
      assertSame(interpolate(a, b, 0), a, 1e-9);
      assertSame(interpolate(a, b, 1), b, 1e-9);
      const whole = angleRad(compose(inverse(a), b).q);
      for (const s of [0.25, 0.5, 0.9]) {
        const middle = interpolate(a, b, s);
        assert.ok(
          distance(
            middle.t,
            a.t.map((v, i) => v + s * (b.t[i]! - v)),
          ) < TIGHT,
        );
        assert.ok(Math.abs(angleRad(compose(inverse(a), middle).q) - s * whole) < 1e-9);
        assert.ok(Math.abs(angleRad(compose(inverse(middle), b).q) - (1 - s) * whole) < 1e-9);
      }
    });
  });

  it('takes the short way when the signs of the quaternions differ', () => {
    const a: Pose = { t: [0, 0, 0], q: [0, 0, 0, 1] };
    const b: Pose = { t: [0, 0, 0], q: [0, 0, -Math.sin(0.1), -Math.cos(0.1)] };
    assert.ok(Math.abs(angleRad(interpolate(a, b, 0.5).q) - 0.1) < TIGHT);
  });

  it('angles are in [0, pi], for both signs of the quaternion', () => {
    assert.equal(angleRad([0, 0, 0, 1]), 0);
    assert.equal(angleRad([0, 0, 0, -1]), 0);
    assert.ok(Math.abs(angleRad([1, 0, 0, 0]) - Math.PI) < TIGHT);
    assert.ok(Math.abs(angleRad([0, Math.sin(0.4), 0, -Math.cos(0.4)]) - 0.8) < TIGHT);
  });

  it('a pose with any number that is none is not finite', () => {
    assert.equal(isFinitePose(IDENTITY), true);
    for (let i = 0; i < 7; i++) {
      for (const bad of [Number.NaN, Number.POSITIVE_INFINITY]) {
        const v = [0, 0, 0, 0, 0, 0, 1].map((x, k) => (k === i ? bad : x));
        assert.equal(isFinitePose({ t: v.slice(0, 3) as Vec3, q: v.slice(3) as Pose['q'] }), false);
      }
    }
  });
});
