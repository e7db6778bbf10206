// SPDX-License-Identifier: MIT
import { QpvoError } from '../../error.ts';
import type { Pose } from '../../odometry/Pose.ts';
import { angleRad, compose, inverse, isFinitePose } from '../../odometry/se3.ts';
import { LOST_COVARIANCE } from './covariance6.ts';
import { covarianceInBase } from './poseCovariance.ts';
import { checkModel, NO_GROWTH, poseCovariance, soundCovariance, type UncertaintyModel } from './uncertaintyModel.ts';

export { LOSS_SPEED, type UncertaintyModel } from './uncertaintyModel.ts';

/** One published pose. */
export interface UncertaintyStep {
  stampNs: bigint;
  segment: number;
  /**
   * Covariance of bundle adjustment: 6x6 row-major of xi = (tau, phi) with T_camera_world' = Exp(xi) T_camera_world, segment units and radians. Undefined or not finite:
   * that of the pose before is used.
   */
  raw: ArrayLike<number> | undefined;
  /** Metres per segment unit. */
  scale: number;
  /** Relative standard deviation of the scale; 0 or absent when it is given or unknown. */
  scaleSpread?: number;
  T_odom_base: Pose;
}

export interface Uncertainty {
  /** 6x6 row-major about the fixed axes of odom: x y z (m), rotations about X Y Z (rad), as REP-103 orders them. */
  pose: Float64Array;
  /** 6x6 row-major of the twist in base_link: linear (m/s), angular (rad/s); 9999 on the diagonal where there is no velocity. */
  twist: Float64Array;
}

/** Turn rate that is assumed at least while there is no pose. */
const LOSS_TURN_RAD_PER_S = 0.2;

/** The speed before a loss is the median over so many steps: the last ones before it are wild. */
const SPEED_STEPS = 10;

/** Growth of the uncertainty of the poses of one run, and the covariances of each pose and twist: always symmetric, positive definite and finite. */
export class PoseUncertainty {
  #T_base_camera: Pose;
  #model: UncertaintyModel;
  #growth = { ...NO_GROWTH };
  #last: UncertaintyStep | undefined;
  #inBase = new Float64Array(36);
  #speeds: { linear: number; angular: number }[] = [];

  /** @throws QpvoError QPVO_PARAMETER when a constant is negative or no number */
  constructor(model: UncertaintyModel, T_base_camera: Pose) {
    this.#model = checkModel(model);
    this.#T_base_camera = T_base_camera;
  }

  /** Other constants from the next pose on; the way that lies behind counts with them too. */
  setModel(model: UncertaintyModel): void {
    this.#model = checkModel(model);
  }

  /** The camera sits elsewhere from the next pose on. */
  setMounting(T_base_camera: Pose): void {
    this.#T_base_camera = T_base_camera;
  }

  /** The pose was set from outside (reset_to_pose): it is exact, and uncertainty grows from there. */
  reset(): void {
    this.#growth = { ...NO_GROWTH };
    this.#last = undefined;
  }

  /**
   * The covariances of the next published pose. To be called once for each; a new segment says that there was no pose in between.
   * @throws QpvoError QPVO_INTERNAL when the pose is not finite
   */
  update(step: UncertaintyStep): Uncertainty {
    if (!isFinitePose(step.T_odom_base)) {
      throw new QpvoError('QPVO_INTERNAL', { what: 'a pose without finite numbers has no covariance' });
    }
    const inBase = step.raw && covarianceInBase(step.raw, step.scale, this.#T_base_camera);
    if (inBase?.every(Number.isFinite)) this.#inBase.set(inBase);
    const last = this.#last;
    this.#last = step;
    const twist = last === undefined ? undefined : this.#grow(last, step);
    const pose = poseCovariance(this.#model, this.#inBase, step.T_odom_base, this.#growth);
    return { pose, twist: twist ?? Float64Array.from(LOST_COVARIANCE) };
  }

  /** @returns the covariance of the velocity between the two when there is one */
  #grow(last: UncertaintyStep, step: UncertaintyStep): Float64Array | undefined {
    const seconds = Number(step.stampNs - last.stampNs) / 1e9;
    if (step.segment !== last.segment) {
      this.#loseFor(Math.max(0, seconds));
      return undefined;
    }
    const { t, q } = compose(inverse(last.T_odom_base), step.T_odom_base);
    const stepM = Math.hypot(...t);
    const spread = Math.max(0, step.scaleSpread ?? 0);
    this.#growth.distanceM += stepM;
    this.#growth.scaleM += spread * stepM;
    if (seconds <= 0) return undefined;
    this.#speeds.push({ linear: stepM / seconds, angular: angleRad(q) / seconds });
    if (this.#speeds.length > SPEED_STEPS) this.#speeds.shift();
    return this.#twistCovariance(stepM / seconds, spread, seconds);
  }

  #twistCovariance(speed: number, spread: number, seconds: number): Float64Array {
    const { inflation, positionPerMetre, rotationPerMetre, positionFloor, rotationFloor } = this.#model;
    return soundCovariance(
      this.#inBase.map((v) => (inflation * v) / seconds ** 2),
      Math.hypot(positionPerMetre * speed, spread * speed, positionFloor),
      Math.hypot(rotationPerMetre * speed, rotationFloor),
    );
  }

  /** Odometry goes on from the last pose before a loss: the way in between is missing. Losses are independent of each other. */
  #loseFor(seconds: number): void {
    const linear = Math.max(median(this.#speeds.map((s) => s.linear)), this.#model.lossSpeed);
    const angular = Math.max(median(this.#speeds.map((s) => s.angular)), LOSS_TURN_RAD_PER_S);
    this.#growth.lossM = Math.hypot(this.#growth.lossM, linear * seconds);
    this.#growth.lossRad = Math.hypot(this.#growth.lossRad, angular * seconds);
    this.#speeds = [];
  }
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[(values.length - 1) >> 1] ?? 0;
}
