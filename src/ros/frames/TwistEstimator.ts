// SPDX-License-Identifier: MIT
import type { Pose } from '../../odometry/Pose.ts';
import { meanTwist, type Tangent } from '../../odometry/se3.ts';

export interface StampedBasePose {
  segment: number;
  stampNs: bigint;
  T_odom_base: Pose;
}

/** Velocity of base_link between consecutive poses: the constant twist that leads from the one to the other. */
export class TwistEstimator {
  #last: StampedBasePose | undefined;

  /** @returns (linear m/s, angular rad/s) in base_link; undefined for the first pose of a segment, and when the stamp has not gone forward */
  update(next: StampedBasePose): Tangent | undefined {
    const last = this.#last?.segment === next.segment ? this.#last : undefined;
    const seconds = last === undefined ? 0 : Number(next.stampNs - last.stampNs) / 1e9;
    if (last !== undefined && seconds === 0) return undefined;
    this.#last = next;
    if (last === undefined || seconds < 0) return undefined;
    const twist = meanTwist(last.T_odom_base, next.T_odom_base, seconds);
    return twist.every(Number.isFinite) ? twist : undefined;
  }

  /** The pose was set from outside (reset_to_pose): the next one has no velocity. */
  reset(): void {
    this.#last = undefined;
  }
}
