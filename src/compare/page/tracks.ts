// SPDX-License-Identifier: MIT
import { type Alignment, alignPoint } from '../../evaluation/alignment.ts';
import type { EstimatedPose } from '../../evaluation/associate.ts';
import type { Evaluation } from '../../evaluation/evaluateTrajectory.ts';
import { evaluateIfPossible } from '../../evaluation/trajectoryErrors.ts';
import type { StampedPose } from '../../odometry/Pose.ts';
import type { Vec3 } from '../../odometry/se3.ts';
import { errorCurve } from '../../outputs/report/errorCurve.ts';
import type { Curve } from '../../outputs/report/thin.ts';
import { CAMERA_VIEWS, type View, viewsOf } from '../../outputs/report/views.ts';
import type { ComparedRun, ComparisonPlan, PlannedRun, SequenceResult } from '../Comparison.ts';
import { runName } from '../planRuns.ts';
import { trajectoryOf } from '../RunErrors.ts';

/** One stretch of a trajectory as it is drawn: in the frame of the reference. */
export interface TrackPart {
  positions: Vec3[];
  /** Hover text of each position. */
  texts: string[];
}

/** The run of a profile that is drawn: the one with the median error. */
export interface ProfileTrack {
  profile: string;
  seed: number;
  /** One for each segment. */
  parts: TrackPart[];
  /** Distance to the reference over time, in the unit of the errors. */
  error: Curve;
}

/** The trajectories of all profiles on one sequence. */
export interface SequenceTracks {
  tracks: ProfileTrack[];
  /** Ground truth during the runs; empty without. */
  reference: Vec3[];
  /** Of lengths: metres with ground truth, else that of the first profile's trajectory. */
  unit: 'm' | 'units';
  views: [View, View];
  durationS: number;
}

const COLOURS = 6;

/** Colour class of a profile by its place; six take turns. */
export function profileClass(index: number): string {
  return `s${index % COLOURS}`;
}

/** Reads the runs with the median errors from their files and aligns them: with the ground truth, or with the one of the first profile. */
export async function sequenceTracks(
  { sequences, contenders }: Pick<ComparisonPlan, 'sequences' | 'contenders'>,
  result: SequenceResult,
  runs: readonly ComparedRun[],
): Promise<SequenceTracks> {
  const { groundTruth } = sequences.find(({ name }) => name === result.name)!;
  const drawn: { run: ComparedRun; poses: EstimatedPose[] }[] = [];
  for (const { profile } of contenders) {
    const run = medianRun(result, runs, profile.name);
    const poses = run === undefined ? [] : await trajectoryOf(run);
    if (run !== undefined && poses.length > 0) drawn.push({ run, poses });
  }
  const stampsNs = drawn.flatMap(({ poses }) => [poses[0]!.stampNs, poses.at(-1)!.stampNs]);
  const [firstNs, lastNs] = [least(stampsNs), greatest(stampsNs)];
  const secondsAt = (stampNs: bigint): number => Number(stampNs - firstNs) / 1e9;
  const truth = (groundTruth ?? []).filter(({ stampNs }) => stampNs >= firstNs && stampNs <= lastNs);
  const reference = groundTruth ?? drawn[0]?.poses ?? [];
  const tracks = drawn.flatMap(({ run, poses }) => profileTrack(run, poses, reference, result, secondsAt) ?? []);
  return {
    tracks,
    reference: truth.map(({ t }) => t),
    unit: groundTruth === undefined ? 'units' : 'm',
    views: groundTruth === undefined ? CAMERA_VIEWS : truthViews(truth, tracks),
    durationS: Math.max(secondsAt(lastNs), 1e-3),
  };
}

/** The run of a profile whose error is nearest to the median; of two the one with the lower seed. */
function medianRun({ profiles, runs: measured }: SequenceResult, runs: readonly ComparedRun[], profile: string) {
  const median = profiles.find((entry) => entry.profile === profile)?.measures.error?.median;
  const own = measured.filter((run) => run.profile === profile && run.failure === undefined);
  const distance = ({ values }: (typeof own)[number]): number => {
    const gap = Math.abs((values.error ?? Number.NaN) - (median ?? Number.NaN));
    return Number.isFinite(gap) ? gap : (values.error ?? Number.POSITIVE_INFINITY);
  };
  const sorted = own.sort(
    (a, b) => Number(distance(a) > distance(b)) - Number(distance(a) < distance(b)) || a.seed - b.seed,
  );
  return sorted[0] && runs.find((run) => isSame(run, sorted[0]!));
}

function isSame(a: PlannedRun, b: PlannedRun): boolean {
  return runName(a) === runName(b);
}

/** Undefined when the trajectory cannot be aligned. */
function profileTrack(
  { profile, seed }: ComparedRun,
  poses: readonly EstimatedPose[],
  reference: readonly StampedPose[],
  { errorUnit }: SequenceResult,
  secondsAt: (stampNs: bigint) => number,
): ProfileTrack | undefined {
  const evaluation = evaluateIfPossible(poses, reference);
  if (evaluation === undefined) return undefined;
  const { ate, pathM } = evaluation.overall;
  const perUnit = errorUnit === 'm' ? 1 : 100 / pathM;
  const errors = ate.perPose.map(({ stampNs, errorM }) => ({ stampNs, errorM: perUnit * errorM }));
  const errorAt = new Map(errors.map(({ stampNs, errorM }) => [stampNs, errorM]));
  const parts = [...new Set(poses.map(({ segment = 0 }) => segment))].map((segment): TrackPart => {
    const alignment = alignmentOf(evaluation, segment);
    const own = poses.filter((pose) => (pose.segment ?? 0) === segment);
    const text = ({ stampNs }: EstimatedPose): string => {
      const error = errorAt.get(stampNs);
      const tail = error === undefined ? '' : `, ${error.toPrecision(3)} ${errorUnit} off`;
      return `${profile}, seed ${seed}: ${secondsAt(stampNs).toFixed(1)} s${tail}`;
    };
    return { positions: own.map(({ t }) => alignPoint(alignment, t)), texts: own.map(text) };
  });
  return { profile, seed, parts, error: errorCurve(errors, secondsAt) };
}

/** A segment's own alignment, or the overall one where it has none. */
function alignmentOf({ segments, overall }: Evaluation, segment: number): Alignment {
  const entry = segments.find((candidate) => candidate.segment === segment);
  return entry && 'part' in entry ? entry.part.alignment : overall.alignment;
}

function truthViews(truth: readonly StampedPose[], tracks: readonly ProfileTrack[]): [View, View] {
  const positions = tracks.flatMap(({ parts }) => parts.flatMap((part) => part.positions));
  return viewsOf(
    truth.map(({ q }) => q),
    [...truth.map(({ t }) => t), ...positions],
    { index: 2, sign: 1 },
  );
}

function least(stampsNs: readonly bigint[]): bigint {
  return stampsNs.reduce((best, stamp) => (stamp < best ? stamp : best), stampsNs[0] ?? 0n);
}

function greatest(stampsNs: readonly bigint[]): bigint {
  return stampsNs.reduce((best, stamp) => (stamp > best ? stamp : best), stampsNs[0] ?? 0n);
}
