// SPDX-License-Identifier: MIT
import { IDENTITY, type Pose } from '../../odometry/Pose.ts';
import { compose, exp, type Tangent } from '../../odometry/se3.ts';
import { LOOP_NS, MAX_GAP_NS } from './ReferenceTrack.ts';

/** A reference trajectory out of velocities (wheel encoders), for ScaleEstimator. */
export class TwistIntegrator {
  #last: { stampNs: bigint; twist: Tangent } | undefined;
  #pose: Pose = IDENTITY;
  #ignored = 0;

  /** Messages that could not be used: numbers that are none, stamps that did not go forward. */
  get ignored(): number {
    return this.#ignored;
  }

  /**
   * Between two messages the velocity is their mean. Over a gap, and when stamps begin anew, nothing is added; ScaleEstimator compares nothing over these either.
   * @param twist (linear m/s, angular rad/s) of base_link in base_link
   * @returns T_ref_base, `ref` being base_link at the first message; undefined when the message was ignored
   */
  add(stampNs: bigint, twist: Tangent): Pose | undefined {
    const last = this.#last;
    const elapsed = last === undefined ? 0n : stampNs - last.stampNs;
    const isOutOfOrder = last !== undefined && elapsed <= 0n && elapsed >= -LOOP_NS;
    if (isOutOfOrder || !twist.every(Number.isFinite)) {
      this.#ignored++;
      return undefined;
    }
    this.#last = { stampNs, twist: [...twist] };
    if (last !== undefined && elapsed > 0n && elapsed <= MAX_GAP_NS) {
      const seconds = Number(elapsed) / 1e9;
      const step = twist.map((v, i) => ((v + last.twist[i]!) / 2) * seconds) as Tangent;
      this.#pose = compose(this.#pose, exp(step));
    }
    return this.#pose;
  }
}
