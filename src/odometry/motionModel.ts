// SPDX-License-Identifier: MIT
import type { Pose } from './Pose.ts';
import { compose, exp, inverse, log, type Tangent } from './se3.ts';

export interface MotionModel {
  kind: 'damped_linear' | 'constant_position';
  damping: number;
}

/** Steps of very different length say little about each other: their ratio is kept within this. */
const MAX_STEP_RATIO = 3;

/**
 * First guess of the pose of a new frame (algorithm of DPVO: damped linear motion). Poses are T_camera_world of the last two frames;
 * stamps are of the last three images a, b, c, c being the new one.
 */
export function predictPose(
  model: MotionModel,
  last: Pose,
  beforeLast: Pose | undefined,
  stampsNs: readonly bigint[],
): Pose {
  if (model.kind === 'constant_position' || beforeLast === undefined) return last;
  const [a, b, c] = stampsNs.slice(-3);
  const ratio = a !== undefined && b !== undefined && c !== undefined && b > a ? Number(c - b) / Number(b - a) : 1;
  const step = model.damping * Math.min(Math.max(ratio, 0), MAX_STEP_RATIO);
  const xi = log(compose(last, inverse(beforeLast))).map((v) => step * v) as Tangent;
  return compose(exp(xi), last);
}
