// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { type Alignment, type AlignmentKind, align, alignPoint, alignPose } from '../../src/evaluation/alignment.ts';
import { symmetricEigen } from '../../src/evaluation/symmetricEigen.ts';
import { exp, type Quat, rotate, type Vec3 } from '../../src/odometry/se3.ts';

const CORNERS: Vec3[] = [
  [0, 0, 0],
  [1, 0, 0],
  [0, 2, 0],
  [0, 0, 3],
  [1, 2, 3],
];

function move(points: Vec3[], scale: number, q: Quat, t: Vec3): Vec3[] {
  return points.map((p) => rotate(q, p).map((v, i) => scale * v + t[i]!) as Vec3);
}

function aligned(source: Vec3[], target: Vec3[], kind: AlignmentKind): Alignment {
  const result = align(source, target, kind);
  assert.ok(result.ok, result.ok ? '' : result.reason);
  return result.alignment;
}

function near(actual: readonly number[], expected: readonly number[], tolerance: number): void {
  assert.equal(actual.length, expected.length);
  actual.forEach((value, i) => {
    assert.ok(
      Math.abs(value - expected[i]!) <= tolerance,
      `[${i}] ${value} is not ${expected[i]} (within ${tolerance})`,
    );
  });
}

describe('symmetricEigen', () => {
  it('solves a matrix worked out by hand', () => {
    const { values, vectors } = symmetricEigen([
      [2, 1],
      [1, 2],
    ]);
    near(values, [3, 1], 1e-15);
    near(vectors[0]!.map(Math.abs), [Math.SQRT1_2, Math.SQRT1_2], 1e-15);
  });

  it('gives A v = lambda v and orthonormal vectors, largest first', () => {
    const a = [
      [4, -2, 0.5, 1],
      [-2, 1, 3, 0],
      [0.5, 3, -6, 2],
      [1, 0, 2, 0.25],
    ];
    const { values, vectors } = symmetricEigen(a);
    vectors.forEach((v, k) => {
      near(
        a.map((row) => row.reduce((sum, value, j) => sum + value * v[j]!, 0)),
        v.map((value) => value * values[k]!),
        1e-13,
      );
      vectors.forEach((u, l) => {
        near([u.reduce((sum, value, j) => sum + value * v[j]!, 0)], [k === l ? 1 : 0], 1e-13);
      });
    });
    assert.deepEqual(
      values,
      [...values].sort((x, y) => y - x),
    );
  });
});

describe('alignment', () => {
  const q = exp([0, 0, 0, 0.4, -1.1, 2.0]).q;

  it('recovers a known similarity', () => {
    const a = aligned(CORNERS, move(CORNERS, 2.5, q, [10, -20, 30]), 'sim3');
    near([a.scale], [2.5], 1e-13);
    near(a.t, [10, -20, 30], 1e-12);
    near(
      a.q.map((v) => v * Math.sign(a.q[3] * q[3])),
      q,
      1e-14,
    );
    assert.ok(a.rmseM < 1e-6);
    assert.ok(a.rotationDetermined);
  });

  it('recovers a half turn', () => {
    const a = aligned(CORNERS, move(CORNERS, 1, [0, 0, 1, 0], [0, 0, 0]), 'sim3');
    near(rotate(a.q, [1, 2, 3]), [-1, -2, 3], 1e-12);
  });

  it('keeps scale at one for se3, and then leaves the residual worked out by hand', () => {
    // Points at -1, 0, 1 on each of two axes, target twice as large: each point away from the centre is 1 m off, the centre is right.
    const cross: Vec3[] = [
      [1, 0, 0],
      [-1, 0, 0],
      [0, 1, 0],
      [0, -1, 0],
      [0, 0, 0],
    ];
    const a = aligned(cross, move(cross, 2, q, [5, 5, 5]), 'se3');
    assert.equal(a.scale, 1);
    near([a.rmseM], [Math.sqrt(4 / 5)], 1e-12);
  });

  it('has the residual that its own points have', () => {
    const noisy = move(CORNERS, 0.7, q, [1, 2, 3]).map(
      (p, i) => [p[0] + 0.1 * Math.sin(i * 7), p[1], p[2] - 0.05 * i] as Vec3,
    );
    for (const kind of ['sim3', 'se3'] as const) {
      const a = aligned(CORNERS, noisy, kind);
      const squares = CORNERS.map((p, i) => alignPoint(a, p).reduce((sum, v, k) => sum + (v - noisy[i]![k]!) ** 2, 0));
      near([a.rmseM], [Math.sqrt(squares.reduce((x, y) => x + y, 0) / squares.length)], 1e-12);
    }
  });

  it('is the minimum: no small change of rotation or scale does better', () => {
    const noisy = CORNERS.map((p, i) => [2 * p[1] + 0.3 * i, -2 * p[0], 2 * p[2] + 0.2 * Math.cos(i)] as Vec3);
    const a = aligned(CORNERS, noisy, 'sim3');
    const costOf = (scale: number, turn: Quat): number => {
      const turned = move(CORNERS, scale, turn, [0, 0, 0]);
      let cost = 0;
      for (let k = 0; k < 3; k++) {
        const offsets = turned.map((p, i) => noisy[i]![k]! - p[k]!);
        const mean = offsets.reduce((x, y) => x + y, 0) / offsets.length;
        cost += offsets.reduce((sum, v) => sum + (v - mean) ** 2, 0);
      }
      return cost;
    };
    const best = costOf(a.scale, a.q);
    near([Math.sqrt(best / CORNERS.length)], [a.rmseM], 1e-12);
    for (const step of [1e-3, -1e-3]) {
      assert.ok(costOf(a.scale + step, a.q) > best);
      for (let axis = 0; axis < 3; axis++) {
        const phi = [0, 0, 0, 0, 0, 0] as [number, number, number, number, number, number];
        phi[3 + axis] = step;
        const turn = alignPose(a, exp(phi)).q;
        assert.ok(costOf(a.scale, turn) > best, `axis ${axis}, step ${step}`);
      }
    }
  });

  it('turns, never reflects, when the target is a mirror image', () => {
    const mirrored = CORNERS.map(([x, y, z]) => [x, y, -z] as Vec3);
    const a = aligned(CORNERS, mirrored, 'sim3');
    const [ex, ey, ez] = [rotate(a.q, [1, 0, 0]), rotate(a.q, [0, 1, 0]), rotate(a.q, [0, 0, 1])];
    const determinant =
      ex[0] * (ey[1] * ez[2] - ey[2] * ez[1]) -
      ex[1] * (ey[0] * ez[2] - ey[2] * ez[0]) +
      ex[2] * (ey[0] * ez[1] - ey[1] * ez[0]);
    near([determinant], [1], 1e-12);
    assert.ok(a.rmseM > 0.1 && a.scale > 0 && a.scale < 1);
  });

  it('mirrors a planar pattern by turning it over, without residual', () => {
    const plane: Vec3[] = [
      [0, 0, 0],
      [1, 0, 0],
      [0, 2, 0],
      [3, 1, 0],
    ];
    const a = aligned(
      plane,
      plane.map(([x, y]) => [-x, y, 0] as Vec3),
      'sim3',
    );
    near([a.scale], [1], 1e-12);
    assert.ok(a.rmseM < 1e-7 && a.rotationDetermined);
  });

  it('says what is missing instead of giving NaN', () => {
    const equal: Vec3[] = [
      [1, 1, 1],
      [1, 1, 1],
      [1, 1, 1],
    ];
    const three = CORNERS.slice(0, 3);
    const reasons = [
      align([], [], 'sim3'),
      align(three.slice(1), three.slice(1), 'sim3'),
      align(equal, three, 'sim3'),
      align(three, equal, 'se3'),
    ];
    assert.deepEqual(
      reasons.map((result) => (result.ok ? 'aligned' : result.reason)),
      [
        '0 matched poses, at least 3 are needed',
        '2 matched poses, at least 3 are needed',
        'all estimated positions are equal',
        'all reference positions are equal',
      ],
    );
  });

  it('aligns positions on one line and says that the turn about it is open', () => {
    const line: Vec3[] = [0, 1, 2, 5].map((x) => [x, 0, 0]);
    const a = aligned(line, move(line, 3, q, [1, 1, 1]), 'sim3');
    assert.equal(a.rotationDetermined, false);
    near([a.scale], [3], 1e-12);
    line.forEach((p, i) => {
      near(alignPoint(a, p), move(line, 3, q, [1, 1, 1])[i]!, 1e-6);
    });
  });

  it('is exact far from the origin', () => {
    const far = move(CORNERS, 1, [0, 0, 0, 1], [4e5, 5e6, 300]);
    const a = aligned(CORNERS, far, 'sim3');
    near([a.scale], [1], 1e-8);
    assert.ok(a.rmseM < 1e-4);
  });
});
