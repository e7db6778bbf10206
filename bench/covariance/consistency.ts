// SPDX-License-Identifier: MIT
import type { UncertaintyModel } from '../../src/ros/frames/uncertaintyModel.ts';
import { medianOf } from '../statistics.ts';
import { factorOf, solveLower } from './cholesky.ts';
import type { ErrorSample } from './errorSamples.ts';
import { modelCovariance } from './fitModel.ts';

/**
 * How well covariances fit the errors they are for. NEES (Bar-Shalom, Li, Kirubarajan, "Estimation with Applications to Tracking and Navigation", section 5.4) is
 * error^T C^-1 error; its mean over the dimensions is 1 when the covariance is right, and larger when it is too small.
 */
export interface Consistency {
  samples: number;
  /** Mean and median of NEES / 3 of the position and of the rotation. */
  position: { mean: number; median: number; within95: number };
  rotation: { mean: number; median: number; within95: number };
  /** Root mean square of the errors: metres and radians. */
  rmsM: number;
  rmsRad: number;
}

/** 95 % of a chi-square variable with three degrees of freedom are below this. */
const CHI_SQUARE_3_AT_95 = 7.815;

export function consistency(samples: readonly ErrorSample[], model: UncertaintyModel): Consistency {
  const covariances = samples.map((sample) => modelCovariance(model, sample));
  const rms = (from: number) =>
    Math.sqrt(samples.reduce((sum, { error }) => sum + squared(error.subarray(from, from + 3)), 0) / samples.length);
  const part = (from: number) => {
    const nees = samples.map(({ error }, i) => neesOf(error, covariances[i]!, from));
    return {
      mean: nees.reduce((a, b) => a + b, 0) / (3 * nees.length),
      median: medianOf(nees) / 3,
      within95: nees.filter((v) => v <= CHI_SQUARE_3_AT_95).length / nees.length,
    };
  };
  return { samples: samples.length, position: part(0), rotation: part(3), rmsM: rms(0), rmsRad: rms(3) };
}

/** NEES of three of the six components. */
function neesOf(error: Float64Array, covariance: Float64Array, from: number): number {
  const block = Float64Array.from(
    { length: 9 },
    (_, i) => covariance[6 * (from + Math.floor(i / 3)) + from + (i % 3)]!,
  );
  return squared(solveLower(factorOf(block, 3), error.subarray(from, from + 3), 3));
}

function squared(values: Float64Array): number {
  return values.reduce((sum, v) => sum + v * v, 0);
}
