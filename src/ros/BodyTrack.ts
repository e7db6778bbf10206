// SPDX-License-Identifier: MIT
import type { Pose } from '../odometry/Pose.ts';
import type { Tangent, Vec3 } from '../odometry/se3.ts';
import { LOST_COVARIANCE } from './frames/covariance6.ts';
import { OdomFrame } from './frames/OdomFrame.ts';
import { PoseUncertainty, type UncertaintyModel } from './frames/PoseUncertainty.ts';
import { TwistEstimator } from './frames/TwistEstimator.ts';
import type { Scale } from './ScaleKeeper.ts';

/** One pose of the visual odometry, and what it is to be seen with. */
export interface VisualStep {
  stampNs: bigint;
  segment: number;
  T_world_camera: Pose;
  /** Of bundle adjustment: TrackResult.poseCovariance. */
  covariance: ArrayLike<number> | undefined;
  isDegraded: boolean;
  T_base_camera: Pose;
  scale: Readonly<Scale>;
  model: UncertaintyModel;
}

export interface BodyStep {
  T_odom_base: Pose;
  /** In base_link; undefined when it is not known. */
  twist: Tangent | undefined;
  /** 6x6 row-major each. */
  poseCovariance: ArrayLike<number>;
  twistCovariance: ArrayLike<number>;
}

/** A DEGRADED pose is taken as ten times as uncertain. */
const DEGRADED_VARIANCE = 100;

/** While the scale is a guess, the length of the way is as uncertain as the way is long. */
const UNKNOWN_SCALE_SPREAD = 1;

/** Images farther apart than this say what the way was, but not what the velocity is. */
const MAX_TWIST_GAP_NS = 1_000_000_000n;

/** base_link in odom, with its velocity and both covariances, out of the poses of the camera. odom never jumps, also when the camera turns out to sit elsewhere. */
export class BodyTrack {
  readonly #twist = new TwistEstimator();
  #camera: { T_base_camera: Pose; frame: OdomFrame } | undefined;
  #uncertainty: PoseUncertainty | undefined;
  #lastNs: bigint | undefined;
  #last: Pose | undefined;
  /** Set from outside, to hold from the next pose on: points of the segment before it still belong where they were. */
  #pending: Pose | undefined;

  /** The last pose of base_link; undefined before the first. */
  get last(): Pose | undefined {
    return this.#last;
  }

  update(step: VisualStep): BodyStep {
    const { stampNs, segment, T_world_camera, scale } = step;
    const { frame, uncertainty } = this.#geometry(step);
    const T_odom_base = frame.update({ segment, T_world_camera, scale: scale.factor });
    this.#last = T_odom_base;
    const twist = this.#twist.update({ stampNs, segment, T_odom_base });
    const covariances = uncertainty.update({
      stampNs,
      segment,
      raw: step.covariance,
      scale: scale.factor,
      scaleSpread: scale.state === 'UNSCALED' ? UNKNOWN_SCALE_SPREAD : scale.spread,
      T_odom_base,
    });
    const factor = step.isDegraded ? DEGRADED_VARIANCE : 1;
    const isLate = this.#lastNs !== undefined && stampNs - this.#lastNs > MAX_TWIST_GAP_NS;
    this.#lastNs = stampNs;
    return {
      T_odom_base,
      twist: isLate ? undefined : twist,
      poseCovariance: covariances.pose.map((value) => factor * value),
      twistCovariance: isLate ? LOST_COVARIANCE : covariances.twist.map((value) => factor * value),
    };
  }

  /** base_link is put here from outside: exact, and without a velocity. */
  moveTo(T_odom_base: Pose): void {
    this.#last = T_odom_base;
    this.#pending = T_odom_base;
    this.#uncertainty?.reset();
    this.#twist.reset();
  }

  /** A point of the present segment (segment units) in odom; undefined before the first pose. */
  place(p_world: Vec3): Vec3 | undefined {
    return this.#camera?.frame.place(p_world);
  }

  #geometry({ T_base_camera, model }: VisualStep): { frame: OdomFrame; uncertainty: PoseUncertainty } {
    if (this.#camera === undefined || !isSame(this.#camera.T_base_camera, T_base_camera)) {
      const frame = new OdomFrame(T_base_camera);
      if (this.#last !== undefined) frame.moveTo(this.#last);
      this.#camera = { T_base_camera, frame };
      this.#uncertainty?.setMounting(T_base_camera);
    }
    if (this.#pending !== undefined) this.#camera.frame.moveTo(this.#pending);
    this.#pending = undefined;
    this.#uncertainty ??= new PoseUncertainty(model, T_base_camera);
    this.#uncertainty.setModel(model);
    return { frame: this.#camera.frame, uncertainty: this.#uncertainty };
  }
}

function isSame(a: Pose, b: Pose): boolean {
  return a.t.every((value, i) => value === b.t[i]) && a.q.every((value, i) => value === b.q[i]);
}
