// SPDX-License-Identifier: MIT
// SE(3) on Pose values in double precision. Tangent vectors are (translation tau, rotation phi); Exp is the true exponential (with the V matrix), see
// Barfoot, "State Estimation for Robotics", section 7.1. Group product a b = apply b, then a.
import type { Pose } from './Pose.ts';

export type Vec3 = [number, number, number];
export type Quat = [number, number, number, number];
export type Tangent = [number, number, number, number, number, number];

function cross(a: Vec3, b: Vec3): Vec3 {
  return [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
}

function normalized(q: Quat): Quat {
  const n = Math.hypot(...q);
  return [q[0] / n, q[1] / n, q[2] / n, q[3] / n];
}

function multiply(a: Quat, b: Quat): Quat {
  return [
    a[3] * b[0] + a[0] * b[3] + a[1] * b[2] - a[2] * b[1],
    a[3] * b[1] - a[0] * b[2] + a[1] * b[3] + a[2] * b[0],
    a[3] * b[2] + a[0] * b[1] - a[1] * b[0] + a[2] * b[3],
    a[3] * b[3] - a[0] * b[0] - a[1] * b[1] - a[2] * b[2],
  ];
}

/** R(q) v for a unit quaternion xyzw. */
export function rotate(q: Quat, v: Vec3): Vec3 {
  const u: Vec3 = [q[0], q[1], q[2]];
  const c = cross(u, v);
  const d = cross(u, c);
  return [v[0] + 2 * (q[3] * c[0] + d[0]), v[1] + 2 * (q[3] * c[1] + d[1]), v[2] + 2 * (q[3] * c[2] + d[2])];
}

/** T_a_c = T_a_b T_b_c; the quaternion is renormalised. */
export function compose(a: Pose, b: Pose): Pose {
  const r = rotate(a.q, b.t);
  return { t: [a.t[0] + r[0], a.t[1] + r[1], a.t[2] + r[2]], q: normalized(multiply(a.q, b.q)) };
}

/** T_b_a from T_a_b. */
export function inverse(a: Pose): Pose {
  const q: Quat = [-a.q[0], -a.q[1], -a.q[2], a.q[3]];
  const r = rotate(q, a.t);
  return { t: [-r[0], -r[1], -r[2]], q };
}

/** p_a = T_a_b p_b */
export function transform(a: Pose, p: Vec3): Vec3 {
  const r = rotate(a.q, p);
  return [r[0] + a.t[0], r[1] + a.t[1], r[2] + a.t[2]];
}

/** se(3) -> SE(3). */
export function exp(xi: Tangent): Pose {
  const tau: Vec3 = [xi[0], xi[1], xi[2]];
  const phi: Vec3 = [xi[3], xi[4], xi[5]];
  const theta = Math.hypot(...phi);
  const small = theta < 1e-5;
  const t2 = theta * theta;
  const half = small ? 0.5 - t2 / 48 : Math.sin(theta / 2) / theta;
  const b = small ? 0.5 - t2 / 24 : (1 - Math.cos(theta)) / t2;
  const c = small ? 1 / 6 - t2 / 120 : (theta - Math.sin(theta)) / (t2 * theta);
  const c1 = cross(phi, tau);
  const c2 = cross(phi, c1);
  return {
    t: [tau[0] + b * c1[0] + c * c2[0], tau[1] + b * c1[1] + c * c2[1], tau[2] + b * c1[2] + c * c2[2]],
    q: normalized([half * phi[0], half * phi[1], half * phi[2], Math.cos(theta / 2)]),
  };
}

/** SE(3) -> se(3); rotation angle in [0, pi]. */
export function log(a: Pose): Tangent {
  const s = a.q[3] < 0 ? -1 : 1;
  const v: Vec3 = [s * a.q[0], s * a.q[1], s * a.q[2]];
  const n = Math.hypot(...v);
  const theta = 2 * Math.atan2(n, s * a.q[3]);
  const k = n < 1e-9 ? 2 : theta / n;
  const phi: Vec3 = [k * v[0], k * v[1], k * v[2]];
  const t2 = theta * theta;
  const d = theta < 1e-4 ? 1 / 12 + t2 / 720 : 1 / t2 - (1 + Math.cos(theta)) / (2 * theta * Math.sin(theta));
  const e = Math.abs(Math.sin(theta)) < 1e-9 && theta > 1 ? 1 / t2 : d;
  const c1 = cross(phi, a.t);
  const c2 = cross(phi, c1);
  return [a.t[0] - 0.5 * c1[0] + e * c2[0], a.t[1] - 0.5 * c1[1] + e * c2[1], a.t[2] - 0.5 * c1[2] + e * c2[2], ...phi];
}

/** The constant velocity that leads from T_a_b to T_a_b' in so many seconds, in the frame b that moves: (linear, angular) a second. */
export function meanTwist(before: Pose, after: Pose, seconds: number): Tangent {
  return log(compose(inverse(before), after)).map((value) => value / seconds) as Tangent;
}

/** Rotation angle of a unit quaternion, radians in [0, pi]. */
export function angleRad(q: Quat): number {
  return 2 * Math.atan2(Math.hypot(q[0], q[1], q[2]), Math.abs(q[3]));
}

/** The pose at share s in [0, 1] of the way from a to b: translation linear, rotation along the shortest arc (slerp). */
export function interpolate(a: Pose, b: Pose, s: number): Pose {
  const inv: Quat = [-a.q[0], -a.q[1], -a.q[2], a.q[3]];
  const phi = log({ t: [0, 0, 0], q: multiply(inv, b.q) });
  const step = exp([0, 0, 0, s * phi[3], s * phi[4], s * phi[5]]);
  return {
    t: [a.t[0] + s * (b.t[0] - a.t[0]), a.t[1] + s * (b.t[1] - a.t[1]), a.t[2] + s * (b.t[2] - a.t[2])],
    q: normalized(multiply(a.q, step.q)),
  };
}

/** True when every number is finite. */
export function isFinitePose(a: Pose): boolean {
  return a.t.every(Number.isFinite) && a.q.every(Number.isFinite);
}
