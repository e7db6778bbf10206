// SPDX-License-Identifier: MIT
import { QpvoError } from '../../error.ts';
import type { Pose } from '../../odometry/Pose.ts';
import {
  addVariance,
  diagonalBound,
  isPositiveDefinite,
  LOST_COVARIANCE,
  limitDeviation,
  symmetric,
} from './covariance6.ts';
import { covarianceInOdom } from './poseCovariance.ts';

/**
 * How far a pose may be off. The covariance of bundle adjustment takes everything outside its window as true and every edge as independent, so it is too
 * small; its shape is good. It is inflated, and what the window cannot know is added: drift with the way, and the way without a pose. While the scale is unknown, metres are
 * segment units.
 */
export interface UncertaintyModel {
  /** Factor on the covariance (not on the standard deviation) of bundle adjustment. */
  inflation: number;
  /** Standard deviation of the position per metre of the way: metres per metre. */
  positionPerMetre: number;
  /** Standard deviation of the rotation per metre of the way: radians per metre. */
  rotationPerMetre: number;
  /** Least standard deviation of the position, metres; of the velocity, metres per second. */
  positionFloor: number;
  /** Least standard deviation of the rotation, radians; of the turn rate, radians per second. */
  rotationFloor: number;
  /** Speed that is assumed at least while there is no pose, metres per second. */
  lossSpeed: number;
}

/** Speed that is assumed at least while there is no pose: that of a camera carried slowly, metres per second. */
export const LOSS_SPEED = 0.5;

/** What the uncertainty of a run has grown by. */
export interface Growth {
  /** Length of the way since the start, metres. */
  distanceM: number;
  /** Standard deviation by the spread of the scale, metres: sum of relative spread times step. */
  scaleM: number;
  /** Standard deviation by all times without a pose: metres and radians. */
  lossM: number;
  lossRad: number;
}

export const NO_GROWTH: Readonly<Growth> = { distanceM: 0, scaleM: 0, lossM: 0, lossRad: 0 };

/** Nothing is said to be surer than this, whatever the floors: robot_localization puts 1e-9 in the place of smaller variances. */
const LEAST_VARIANCE = 1e-9;
const MAX_POSITION_DEVIATION_M = 1e6;
/** No two rotations are farther apart. */
const MAX_ROTATION_DEVIATION_RAD = Math.PI;
/** A covariance with larger numbers is none. */
const MAX_ENTRY = 1e30;

/**
 * The pose covariance of the model, without state: what constants are fitted with, and what PoseUncertainty publishes.
 * @param inBase covarianceInBase of the raw covariance; zeros when there is none
 * @returns 6x6 row-major about the fixed axes of odom: x y z (m), rotations about X Y Z (rad)
 */
export function poseCovariance(
  model: UncertaintyModel,
  inBase: ArrayLike<number>,
  T_odom_base: Pose,
  growth: Growth,
): Float64Array {
  return soundCovariance(
    covarianceInOdom(inBase, T_odom_base).map((v) => model.inflation * v),
    Math.hypot(model.positionPerMetre * growth.distanceM, growth.scaleM, growth.lossM, model.positionFloor),
    Math.hypot(model.rotationPerMetre * growth.distanceM, growth.lossRad, model.rotationFloor),
  );
}

/** C and these standard deviations on top, symmetric, positive definite and finite whatever bundle adjustment gave. */
export function soundCovariance(C: ArrayLike<number>, position: number, rotation: number): Float64Array {
  const own = Float64Array.from(isUsable(C) ? C : LOST_COVARIANCE);
  const sum = widened(symmetric(own), position, rotation);
  return isPositiveDefinite(sum) ? sum : widened(diagonalBound(own), position, rotation);
}

/** @throws QpvoError QPVO_PARAMETER */
export function checkModel(model: UncertaintyModel): UncertaintyModel {
  for (const [name, value] of Object.entries(model)) {
    if (Number.isFinite(value) && value >= 0 && value <= 1e12) continue;
    throw new QpvoError('QPVO_PARAMETER', {
      what: `${name} of the pose uncertainty cannot be used`,
      expected: 'a number from 0 to 1e12',
      received: String(value),
    });
  }
  return { ...model };
}

function isUsable(C: ArrayLike<number>): boolean {
  return Array.from(C).every((v) => Math.abs(v) < MAX_ENTRY);
}

function widened(C: Float64Array, position: number, rotation: number): Float64Array {
  const [p, r] = [Math.min(position, MAX_POSITION_DEVIATION_M), Math.min(rotation, MAX_ROTATION_DEVIATION_RAD)];
  const wide = addVariance(C, p ** 2 + LEAST_VARIANCE, r ** 2 + LEAST_VARIANCE);
  return limitDeviation(wide, MAX_POSITION_DEVIATION_M, MAX_ROTATION_DEVIATION_RAD);
}
