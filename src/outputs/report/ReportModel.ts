// SPDX-License-Identifier: MIT
import { messageOf, QpvoError } from '../../error.ts';
import { type Alignment, alignPoint, alignPose } from '../../evaluation/alignment.ts';
import { type Evaluation, evaluateTrajectory } from '../../evaluation/evaluateTrajectory.ts';
import type { StampedPose } from '../../odometry/Pose.ts';
import type { Vec3 } from '../../odometry/se3.ts';
import type { OutputContext } from '../OutputContext.ts';
import type { RunSummary } from '../RunSummary.ts';
import { errorCurve } from './errorCurve.ts';
import type { FrameSample, PoseSample, RunRecord } from './RunRecord.ts';
import { type StateRun, stateRuns } from './stateRuns.ts';
import type { Curve } from './thin.ts';
import { CAMERA_VIEWS, type View, viewsOf } from './views.ts';

/** A segment as it is drawn: in the frame of the ground truth when it could be aligned, otherwise in its own world. */
export interface SegmentTrack extends Curve {
  segment: number;
  /** Colour class; six take turns. */
  className: string;
  positions: Vec3[];
  /** Hover text of each position. */
  texts: string[];
}

/** Everything the report shows, computed once. */
export interface ReportModel {
  title: string;
  summary: RunSummary;
  durationS: number;
  firstStampNs: bigint | undefined;
  /** Seconds since the first frame. */
  secondsAt(stampNs: bigint): number;
  /** Unit of lengths: metres when there is ground truth. */
  unit: string;
  views: [View, View];
  /** Ground truth during the run. */
  reference: StampedPose[];
  segments: SegmentTrack[];
  points: Vec3[];
  evaluation: Evaluation | undefined;
  /** Why there is ground truth but no evaluation. */
  problem: string | undefined;
  /** Error of the single alignment over all segments; undefined when it is that of the only segment. */
  overallError: Curve | undefined;
  frames: readonly FrameSample[];
  runs: StateRun[];
  keyframesS: number[];
}

const SEGMENT_COLOURS = 6;

export function reportModel(record: RunRecord, context: OutputContext, summary: RunSummary): ReportModel {
  const poses = record.poses.items;
  const { evaluation, problem } = evaluate(poses, context.groundTruth);
  const alignments = alignmentsOf(evaluation);
  const reference = evaluation ? duringRun(context.groundTruth ?? [], record) : [];
  const segments = segmentTracks(record, alignments, evaluation);
  return {
    title: context.sourceName,
    summary,
    durationS: record.durationS,
    firstStampNs: record.firstStampNs,
    secondsAt: (stampNs) => record.secondsAt(stampNs),
    unit: evaluation ? 'm' : 'units',
    views: evaluation ? alignedViews(poses, alignments, reference) : CAMERA_VIEWS,
    reference,
    segments,
    points: record.points.items.map((point) => place([point.x, point.y, point.z], alignments.get(point.segment))),
    evaluation,
    problem,
    overallError:
      evaluation && evaluation.segments.length > 1
        ? errorCurve(evaluation.overall.ate.perPose, (stampNs) => record.secondsAt(stampNs))
        : undefined,
    frames: record.frames.items,
    runs: stateRuns(record.frames.items, record.durationS),
    keyframesS: poses.filter((pose) => pose.isKeyframe).map((pose) => record.secondsAt(pose.stampNs)),
  };
}

function evaluate(
  poses: readonly PoseSample[],
  groundTruth: StampedPose[] | undefined,
): { evaluation: Evaluation | undefined; problem: string | undefined } {
  if (!groundTruth) return { evaluation: undefined, problem: undefined };
  try {
    return { evaluation: evaluateTrajectory(poses, groundTruth), problem: undefined };
  } catch (error) {
    if (!(error instanceof QpvoError)) throw error;
    return { evaluation: undefined, problem: messageOf(error) };
  }
}

/** Each segment's own alignment, or the overall one where it has none. */
function alignmentsOf(evaluation: Evaluation | undefined): Map<number, Alignment> {
  if (!evaluation) return new Map();
  return new Map(
    evaluation.segments.map((entry) => [
      entry.segment,
      'part' in entry ? entry.part.alignment : evaluation.overall.alignment,
    ]),
  );
}

function place(p: Vec3, alignment: Alignment | undefined): Vec3 {
  return alignment ? alignPoint(alignment, p) : p;
}

function segmentTracks(
  record: RunRecord,
  alignments: Map<number, Alignment>,
  evaluation: Evaluation | undefined,
): SegmentTrack[] {
  const poses = record.poses.items;
  return [...new Set(poses.map((pose) => pose.segment))].map((segment) => {
    const own = poses.filter((pose) => pose.segment === segment);
    const entry = evaluation?.segments.find((candidate) => candidate.segment === segment);
    const errors = entry && 'part' in entry ? entry.part.ate.perPose : [];
    const errorAt = new Map(errors.map((error) => [error.stampNs, error.errorM]));
    return {
      segment,
      className: `s${segment % SEGMENT_COLOURS}`,
      positions: own.map((pose) => place(pose.t, alignments.get(segment))),
      texts: own.map((pose) => hoverText(record.secondsAt(pose.stampNs), segment, errorAt.get(pose.stampNs))),
      ...errorCurve(errors, (stampNs) => record.secondsAt(stampNs)),
    };
  });
}

function hoverText(atS: number, segment: number, errorM: number | undefined): string {
  const error = errorM === undefined ? '' : `, error ${errorM.toPrecision(3)} m`;
  return `${atS.toFixed(1)} s, segment ${segment}${error}`;
}

function duringRun(groundTruth: readonly StampedPose[], record: RunRecord): StampedPose[] {
  const first = record.firstStampNs ?? 0n;
  return groundTruth.filter((pose) => pose.stampNs >= first && pose.stampNs <= record.lastStampNs);
}

function alignedViews(
  poses: readonly PoseSample[],
  alignments: Map<number, Alignment>,
  reference: readonly StampedPose[],
): [View, View] {
  const aligned = poses.map((pose) => {
    const alignment = alignments.get(pose.segment);
    return alignment ? alignPose(alignment, pose) : pose;
  });
  const attitudes = (reference.length > 0 ? reference : aligned).map((pose) => pose.q);
  return viewsOf(
    attitudes,
    aligned.map((pose) => pose.t),
    { index: 2, sign: 1 },
  );
}
