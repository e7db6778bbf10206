// SPDX-License-Identifier: MIT
import { LOSS_SPEED } from '../../src/ros/frames/PoseUncertainty.ts';
import { NO_GROWTH, poseCovariance, type UncertaintyModel } from '../../src/ros/frames/uncertaintyModel.ts';
import { factorOf, solveLower } from './cholesky.ts';
import type { ErrorSample } from './errorSamples.ts';
import { nelderMead } from './nelderMead.ts';

/** The constants that are fitted, with the least and the greatest value each may take. */
const LIMITS = {
  inflation: [1, 1e7],
  positionPerMetre: [1e-5, 1],
  rotationPerMetre: [1e-6, 1],
  positionFloor: [1e-4, 1],
  rotationFloor: [1e-4, 1],
} as const satisfies Partial<Record<keyof UncertaintyModel, readonly [number, number]>>;

type Fitted = keyof typeof LIMITS;
const FITTED = Object.keys(LIMITS) as Fitted[];

/** Where the search starts. */
const START: Record<Fitted, number> = {
  inflation: 100,
  positionPerMetre: 0.02,
  rotationPerMetre: 0.002,
  positionFloor: 0.005,
  rotationFloor: 0.002,
};

const EVALUATIONS = 500;

/** Covariance that the model gives a sample, [6][6]. */
export function modelCovariance(
  model: UncertaintyModel,
  { inBase, T_odom_base, distanceM }: ErrorSample,
): Float64Array {
  return poseCovariance(model, inBase, T_odom_base, { ...NO_GROWTH, distanceM });
}

/**
 * The constants under which the errors are most likely, errors being Gaussian with the covariance of the model. Samples overlap in time: the fit is that of their
 * distribution, and says nothing about its own accuracy.
 */
export function fitModel(samples: readonly ErrorSample[]): UncertaintyModel {
  const model = (logs: readonly number[]): UncertaintyModel => {
    const values = FITTED.map((name, i) => [name, limited(Math.exp(logs[i]!), LIMITS[name])]);
    return { ...(Object.fromEntries(values) as Record<Fitted, number>), lossSpeed: LOSS_SPEED };
  };
  const cost = (logs: readonly number[]) => {
    const candidate = model(logs);
    return samples.reduce((sum, sample) => sum + minusLogLikelihood(candidate, sample), 0) / samples.length;
  };
  const start = FITTED.map((name) => Math.log(START[name]));
  return model(nelderMead(cost, nelderMead(cost, start, 1, EVALUATIONS), 0.5, EVALUATIONS));
}

/** Up to a constant: half of (error^T C^-1 error + log det C). */
function minusLogLikelihood(model: UncertaintyModel, sample: ErrorSample): number {
  const L = factorOf(modelCovariance(model, sample), 6);
  const whitened = solveLower(L, sample.error, 6);
  let sum = 0;
  for (let i = 0; i < 6; i++) sum += whitened[i]! ** 2 / 2 + Math.log(L[7 * i]!);
  return sum;
}

function limited(value: number, [low, high]: readonly [number, number]): number {
  return Math.min(Math.max(value, low), high);
}
