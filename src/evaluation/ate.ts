// SPDX-License-Identifier: MIT
import { angleRad, compose, inverse } from '../odometry/se3.ts';
import { type Alignment, alignPose } from './alignment.ts';
import type { PosePair } from './associate.ts';
import { type ErrorStatistics, statisticsOf } from './statistics.ts';

const DEG = 180 / Math.PI;

/** Absolute trajectory error (Sturm et al. 2012, section VI-B): distance of aligned estimate and reference, pose by pose. */
export interface AbsoluteError {
  /** Metres. */
  translationM: ErrorStatistics;
  /** Degrees between the attitudes; undefined when the alignment leaves the rotation open. */
  rotationDeg: ErrorStatistics | undefined;
  perPose: PoseError[];
}

export interface PoseError {
  stampNs: bigint;
  errorM: number;
}

/** Errors of at least one pair under an alignment. */
export function absoluteError(pairs: readonly PosePair[], alignment: Alignment): AbsoluteError {
  const rotationsDeg: number[] = [];
  const perPose = pairs.map((pair) => {
    const aligned = alignPose(alignment, pair.estimate);
    const { t } = pair.reference;
    rotationsDeg.push(angleRad(compose(inverse(pair.reference), aligned).q) * DEG);
    return {
      stampNs: pair.stampNs,
      errorM: Math.hypot(aligned.t[0] - t[0], aligned.t[1] - t[1], aligned.t[2] - t[2]),
    };
  });
  return {
    translationM: statisticsOf(perPose.map((pose) => pose.errorM)),
    rotationDeg: alignment.rotationDetermined ? statisticsOf(rotationsDeg) : undefined,
    perPose,
  };
}
