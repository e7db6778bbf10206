// SPDX-License-Identifier: MIT
import { join } from 'node:path';
import { QpvoError } from '../error.ts';
import type { EstimatedPose } from '../evaluation/associate.ts';
import type { Evaluation } from '../evaluation/evaluateTrajectory.ts';
import { readTrajectory } from '../evaluation/readTrajectory.ts';
import { evaluateIfPossible, trajectoryErrors } from '../evaluation/trajectoryErrors.ts';
import type { StampedPose } from '../odometry/Pose.ts';
import type { ComparedRun, ComparisonPlan, ErrorUnit } from './Comparison.ts';
import type { MeasureName } from './measures.ts';
import { runName } from './planRuns.ts';

/** The errors among the measures. An `error` of infinity: the run has no trajectory that could be compared. */
export type ErrorMeasures = Partial<Record<Extract<MeasureName, 'error' | 'rpeM' | 'rpeDeg'>, number>>;

export const TRAJECTORY_FILE = 'trajectory.tum';

/**
 * The errors of runs after Sim(3) alignment, each computed once from the files of the runs. Without ground truth a run is compared with that of the first profile
 * with the same seed, and a run of the first profile with that of its next seed: what seeds alone do is the measure of what a profile does.
 */
export class RunErrors {
  readonly #plan: ComparisonPlan;
  readonly #runs = new Map<string, ComparedRun>();
  readonly #known = new Map<string, ErrorMeasures>();

  constructor(plan: ComparisonPlan) {
    this.#plan = plan;
  }

  /** Takes a run that was made. */
  add(run: ComparedRun): void {
    this.#runs.set(runName(run), run);
  }

  /** Undefined while there is nothing to compare the run with. */
  async of(run: ComparedRun): Promise<ErrorMeasures | undefined> {
    const known = this.#known.get(runName(run));
    if (known !== undefined) return known;
    const poses = await trajectoryOf(run);
    const reference = await this.reference(run);
    if (poses.length > 0 && reference === undefined) return undefined;
    const errors = errorsFrom(evaluateIfPossible(poses, reference ?? []), errorUnit(this.#plan, run.sequence));
    this.#known.set(runName(run), errors);
    return errors;
  }

  /** What a run is compared with; undefined when that is not there, or not yet. */
  async reference(run: ComparedRun): Promise<readonly StampedPose[] | undefined> {
    const { sequences, contenders, seeds } = this.#plan;
    const { groundTruth } = sequences.find(({ name }) => name === run.sequence)!;
    if (groundTruth !== undefined) return groundTruth;
    const profile = contenders[0]!.profile.name;
    const seed = run.profile === profile ? (run.seed + 1) % seeds : run.seed;
    const other = this.#runs.get(runName({ sequence: run.sequence, profile, seed }));
    if (other === undefined || runName(other) === runName(run)) return undefined;
    const poses = await trajectoryOf(other);
    return poses.length === 0 ? undefined : poses;
  }
}

export function errorUnit({ sequences }: ComparisonPlan, sequence: string): ErrorUnit {
  return sequences.find(({ name }) => name === sequence)?.groundTruth === undefined ? '% of path' : 'm';
}

function errorsFrom(evaluation: Evaluation | undefined, unit: ErrorUnit): ErrorMeasures {
  if (evaluation === undefined) return { error: Number.POSITIVE_INFINITY };
  const { ateM, rpe } = trajectoryErrors(evaluation);
  if (unit === 'm') return { error: ateM, ...(rpe && { rpeM: rpe.translationM, rpeDeg: rpe.rotationDeg }) };
  const { pathM } = evaluation.overall;
  return {
    error: pathM > 0 ? (100 * ateM) / pathM : Number.POSITIVE_INFINITY,
    ...(rpe && { rpeDeg: rpe.rotationDeg }),
  };
}

/** The poses of a run; none for a run that failed or found none. */
export async function trajectoryOf(run: ComparedRun): Promise<EstimatedPose[]> {
  if (run.summary === undefined) return [];
  try {
    return (await readTrajectory(join(run.folder, TRAJECTORY_FILE))).poses;
  } catch (error) {
    if (error instanceof QpvoError && error.code === 'QPVO_EVALUATION') return [];
    throw error;
  }
}
