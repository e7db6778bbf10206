// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import type { Pose } from '../../../src/odometry/Pose.ts';
import { compose, exp, inverse, log, type Tangent, type Vec3 } from '../../../src/odometry/se3.ts';
import { normal, random } from '../../native/makeOps.ts';

/** Rounding of double precision, some tens of operations on numbers of order 10. */
export const TIGHT = 1e-11;

/** An optical frame (z forward, x right, y down) that looks along x of base_link (x forward, y left, z up; REP-103). */
export const FORWARD: Pose['q'] = [-0.5, 0.5, -0.5, 0.5];
/** One that looks along y of base_link, to the left. */
export const LEFTWARD: Pose['q'] = [-Math.SQRT1_2, 0, 0, Math.SQRT1_2];

export function difference(a: Pose, b: Pose): number {
  return Math.max(...log(compose(inverse(a), b)).map(Math.abs));
}

export function assertSamePose(a: Pose, b: Pose, tolerance = TIGHT): void {
  const d = difference(a, b);
  assert.ok(d < tolerance, `poses differ by ${d}: ${JSON.stringify([a, b])}`);
}

export function assertNear(a: ArrayLike<number>, b: ArrayLike<number>, tolerance = TIGHT): void {
  assert.equal(a.length, b.length);
  Array.from(a).forEach((v, i) => {
    assert.ok(Math.abs(v - b[i]!) <= tolerance, `[${i}] is ${v}, not ${b[i]}`);
  });
}

/** Repeatable random vectors and poses. */
export class Chance {
  readonly next: () => number;

  constructor(seed: number) {
    this.next = random(seed);
  }

  normal(): number {
    return normal(this.next);
  }

  vector(): Vec3 {
    return [this.normal(), this.normal(), this.normal()];
  }

  pose(): Pose {
    return exp([...this.vector(), ...this.vector()] as Tangent);
  }
}

export const ms = (value: number): bigint => BigInt(Math.round(value * 1000)) * 1000n;
