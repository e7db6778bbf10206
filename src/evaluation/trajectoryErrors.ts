// SPDX-License-Identifier: MIT
import { QpvoError } from '../error.ts';
import type { StampedPose } from '../odometry/Pose.ts';
import type { EstimatedPose } from './associate.ts';
import { type Evaluation, evaluateTrajectory } from './evaluateTrajectory.ts';

/** Step of the relative pose error, seconds. */
export const RPE_DELTA_S = 1;

/** Errors after one Sim(3) alignment of the whole trajectory, all segments together. */
export interface TrajectoryErrors {
  /** Root mean square. */
  ateM: number;
  /** Root mean squares over all starts; absent when no two poses are one step apart. */
  rpe?: { translationM: number; rotationDeg: number };
}

/** The evaluation with a relative error over one second; undefined when there are too few poses, or nothing moves. */
export function evaluateIfPossible(
  estimate: readonly EstimatedPose[],
  reference: readonly StampedPose[],
): Evaluation | undefined {
  try {
    return evaluateTrajectory(estimate, reference, { steps: [{ over: 'time', value: RPE_DELTA_S }] });
  } catch (error) {
    if (error instanceof QpvoError && error.code === 'QPVO_EVALUATION') return undefined;
    throw error;
  }
}

export function trajectoryErrors({ overall }: Evaluation): TrajectoryErrors {
  const [rpe] = overall.rpe;
  return {
    ateM: overall.alignment.rmseM,
    ...(rpe && { rpe: { translationM: rpe.translationM.rmse, rotationDeg: rpe.rotationDeg.rmse } }),
  };
}
