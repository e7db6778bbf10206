// SPDX-License-Identifier: MIT
import { QpvoError } from '../error.ts';
import type { StampedPose } from '../odometry/Pose.ts';
import { isFinitePose } from '../odometry/se3.ts';
import { type Alignment, type AlignmentKind, align } from './alignment.ts';
import {
  type AssociateOptions,
  associate,
  DEFAULT_MAX_DIFFERENCE_S,
  type EstimatedPose,
  type PosePair,
} from './associate.ts';
import { type AbsoluteError, absoluteError } from './ate.ts';
import { pathLengthM } from './pathLength.ts';
import { DEFAULT_MAX_GAP_S } from './ReferenceTrack.ts';
import { type RelativeError, type RelativeStep, relativeError, usualSteps } from './rpe.ts';
import { type ScaleDrift, scaleDrift } from './scaleDrift.ts';
import { formatStampS } from './stampText.ts';

export interface EvaluateOptions extends AssociateOptions {
  /** `sim3` when absent: a monocular estimate has no scale of its own. */
  alignment?: AlignmentKind;
  /** Steps of the relative error; one second and 1, 2, 5, ... metres when absent. */
  steps?: readonly RelativeStep[];
}

/** Everything that is said about a set of pairs under one alignment. */
export interface PartEvaluation {
  pairs: number;
  /** Metres travelled by the reference. */
  pathM: number;
  alignment: Alignment;
  ate: AbsoluteError;
  rpe: RelativeError[];
  scaleDrift: ScaleDrift | undefined;
}

/** A segment by itself, or why it could not be aligned. */
export type SegmentEvaluation = { segment: number; pairs: number } & ({ part: PartEvaluation } | { failure: string });

export interface Evaluation {
  association: { method: 'interpolate' | 'nearest'; pairs: number; estimatePoses: number; referencePoses: number };
  /** One alignment over all segments. */
  overall: PartEvaluation;
  /** Each segment with an alignment of its own; one entry when the estimate is in one piece. */
  segments: SegmentEvaluation[];
}

/**
 * Compares a trajectory with a reference: association by time, alignment, absolute and relative errors, scale drift.
 * @param estimate T_world_camera, any scale; order does not matter
 * @param reference T_world_camera in metres; order does not matter
 * @throws QPVO_EVALUATION when the two do not overlap in time, when fewer than 3 poses match, or when they admit no alignment
 */
export function evaluateTrajectory(
  estimate: readonly EstimatedPose[],
  reference: readonly StampedPose[],
  options: EvaluateOptions = {},
): Evaluation {
  requireFinite(estimate);
  const pairs = associate(estimate, reference, options);
  requireOverlap(pairs, estimate, reference, options);
  const overall = evaluatePart(pairs, options);
  if ('failure' in overall) {
    throw new QpvoError('QPVO_EVALUATION', {
      what: `The trajectories cannot be aligned: ${overall.failure}`,
      advice: 'Give trajectories that overlap in time while the camera moves.',
    });
  }
  return {
    association: {
      method: options.method ?? 'interpolate',
      pairs: pairs.length,
      estimatePoses: estimate.length,
      referencePoses: reference.length,
    },
    overall: overall.part,
    segments: evaluateSegments(pairs, overall.part, options),
  };
}

function evaluateSegments(pairs: PosePair[], overall: PartEvaluation, options: EvaluateOptions): SegmentEvaluation[] {
  const numbers = [...new Set(pairs.map((pair) => pair.segment))].sort((a, b) => a - b);
  if (numbers.length === 1) return [{ segment: numbers[0]!, pairs: pairs.length, part: overall }];
  return numbers.map((segment) => {
    const own = pairs.filter((pair) => pair.segment === segment);
    return { segment, pairs: own.length, ...evaluatePart(own, options) };
  });
}

function evaluatePart(pairs: PosePair[], options: EvaluateOptions): { part: PartEvaluation } | { failure: string } {
  const result = align(
    pairs.map((pair) => pair.estimate.t),
    pairs.map((pair) => pair.reference.t),
    options.alignment ?? 'sim3',
  );
  if (!result.ok) return { failure: result.reason };
  const { alignment } = result;
  const pathM = pathLengthM(pairs).at(-1) ?? 0;
  const rpe = (options.steps ?? usualSteps(pathM)).flatMap((step) => relativeError(pairs, alignment.scale, step) ?? []);
  return {
    part: {
      pairs: pairs.length,
      pathM,
      alignment,
      ate: absoluteError(pairs, alignment),
      rpe,
      scaleDrift: scaleDrift(pairs),
    },
  };
}

function requireFinite(estimate: readonly EstimatedPose[]): void {
  const bad = estimate.find((pose) => !isFinitePose(pose));
  if (!bad) return;
  throw new QpvoError('QPVO_EVALUATION', {
    what: `The estimated pose at ${formatStampS(bad.stampNs)} s is not a number`,
    expected: 'finite translations and quaternions',
    received: [...bad.t, ...bad.q].join(' '),
  });
}

function requireOverlap(
  pairs: readonly PosePair[],
  estimate: readonly StampedPose[],
  reference: readonly StampedPose[],
  options: AssociateOptions,
): void {
  if (pairs.length >= 3) return;
  const rule =
    options.method === 'nearest'
      ? `at most ${options.maxDifferenceS ?? DEFAULT_MAX_DIFFERENCE_S} s apart`
      : `inside the reference, without gaps over ${options.maxGapS ?? DEFAULT_MAX_GAP_S} s`;
  throw new QpvoError('QPVO_EVALUATION', {
    what: pairs.length === 0 ? 'Estimate and reference do not overlap in time' : 'Too few poses match in time',
    expected: `at least 3 estimated poses ${rule}`,
    received: `${pairs.length}; estimate ${rangeOf(estimate)}, reference ${rangeOf(reference)}`,
    advice: 'Check that both files come from the same recording and use the same clock.',
  });
}

/** "585 poses from 12.000000000 to 41.200000000 s" */
function rangeOf(poses: readonly StampedPose[]): string {
  if (poses.length === 0) return 'has no poses';
  let first = poses[0]!.stampNs;
  let last = first;
  for (const { stampNs } of poses) {
    if (stampNs < first) first = stampNs;
    if (stampNs > last) last = stampNs;
  }
  return `${poses.length} poses from ${formatStampS(first)} to ${formatStampS(last)} s`;
}
