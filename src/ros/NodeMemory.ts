// SPDX-License-Identifier: MIT
import { BodyTrack } from './BodyTrack.ts';
import { PoseLog } from './PoseLog.ts';

/** What outlives activations, and failures of the odometry: odom goes on. Forgotten at a cleanup. */
export interface NodeMemory {
  body: BodyTrack;
  poseLog: PoseLog;
  nextSegment: number;
  /** Metres per unit, as far as it was known last. */
  scaleFactor: number;
}

/** Poses that ~/save_trajectory can write: an hour at 20 Hz. */
const LOGGED_POSES = 72_000;

export function newMemory(): NodeMemory {
  return { body: new BodyTrack(), poseLog: new PoseLog(LOGGED_POSES), nextSegment: 0, scaleFactor: 1 };
}
