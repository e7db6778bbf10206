// SPDX-License-Identifier: MIT

/** Rigid transform p_a = R(q) p_b + t, named T_a_b by its holder. Translation in metres (or in units of the segment's scale), unit quaternion xyzw. */
export interface Pose {
  t: [number, number, number];
  q: [number, number, number, number];
}

export interface StampedPose extends Pose {
  stampNs: bigint;
}

export const IDENTITY: Readonly<Pose> = { t: [0, 0, 0], q: [0, 0, 0, 1] };
