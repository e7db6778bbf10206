// SPDX-License-Identifier: MIT
import { type Spread, spreadOf } from '../../src/evaluation/spread.ts';
import type { Judged } from '../targets.ts';
import type { CaseFacts } from './Case.ts';
import { judgeCase } from './caseTargets.ts';
import { caseKey, type Runner, type RunRecord } from './RunRecord.ts';
import type { SequenceKind } from './Sequence.ts';

/** All runs of one case by one runner. */
export interface CaseSummary extends Runner, CaseFacts {
  seeds: number[];
  ateM: Spread;
  /** Of the part of the path that has poses, where the run says how long that is. */
  atePercentOfPath: Spread;
  atePercentOfExtent: Spread;
  /** Absent when no run has it. */
  rpe?: { translationM: Spread; rotationDeg: Spread };
  /** Share of the images. */
  withPose: Spread;
  consumed: Spread;
  lostRuns: number;
  failedRuns: number;
  /** Of the runs that had the machine for themselves; absent when there is none. */
  fps?: Spread;
  /** Greatest drift in the longest standstill, percent of the median depth; absent when nothing is known about standstill. */
  standstillDriftPercent?: Spread;
  /** What is judged; empty for the floor. */
  numbers: Judged[];
}

const KINDS: readonly SequenceKind[] = ['mh05', 'mh01', 'tartanair', 'rendered', 'demo'];

/** One summary for each case and runner, in the order in which they are shown. */
export function summarizeRuns(runs: readonly RunRecord[]): CaseSummary[] {
  const groups = new Map<string, RunRecord[]>();
  for (const run of runs) groups.set(caseKey(run), [...(groups.get(caseKey(run)) ?? []), run]);
  return [...groups.values()].map(summarizeCase).sort(inOrder);
}

function summarizeCase(runs: readonly RunRecord[]): CaseSummary {
  const spread = (pick: (run: RunRecord) => number | undefined): Spread => spreadOf(runs.map(pick));
  const { contender, profile, model, checksum, settings } = runs[0]!;
  const facts = factsFrom(runs[0]!);
  const { extentM, medianDepthM } = facts;
  const alone = runs.filter(({ fps }) => fps !== undefined);
  const summary: CaseSummary = {
    contender,
    profile,
    model,
    checksum,
    settings,
    ...facts,
    seeds: runs.map(({ seed }) => seed).sort((a, b) => a - b),
    ateM: spread(({ errors }) => errors?.ateM),
    atePercentOfPath: spread(percentOfPath),
    atePercentOfExtent: spread(({ errors }) => errors && (100 * errors.ateM) / extentM),
    ...(runs.some(({ errors }) => errors?.rpe) && {
      rpe: {
        translationM: spread(({ errors }) => errors?.rpe?.translationM),
        rotationDeg: spread(({ errors }) => errors?.rpe?.rotationDeg),
      },
    }),
    withPose: spread(({ withPose, images }) => withPose / images),
    consumed: spread(({ consumed, images }) => consumed / images),
    lostRuns: runs.filter(({ lost }) => lost).length,
    failedRuns: runs.filter(({ failure }) => failure !== undefined).length,
    ...(alone.length > 0 && { fps: spreadOf(alone.map(({ fps }) => fps)) }),
    ...(medianDepthM !== undefined &&
      runs.some(({ errors }) => errors?.standstill) && {
        standstillDriftPercent: spread(
          ({ errors }) => errors?.standstill && (100 * errors.standstill.driftM) / medianDepthM,
        ),
      }),
    numbers: [],
  };
  return contender === 'floor' ? summary : { ...summary, numbers: judgeCase(summary) };
}

/** ATE in percent of the part of the path that has poses. */
export function percentOfPath({ errors, pathM }: Pick<RunRecord, 'errors' | 'pathM'>): number | undefined {
  return errors && (100 * errors.ateM) / (errors.coveredPathM ?? pathM);
}

function factsFrom(run: RunRecord): CaseFacts {
  const { kind, sequence, startFrame, stride, limitedTo, images, pathM, extentM, medianDepthM } = run;
  return {
    kind,
    sequence,
    startFrame,
    stride,
    ...(limitedTo === undefined ? {} : { limitedTo }),
    images,
    pathM,
    extentM,
    ...(medianDepthM === undefined ? {} : { medianDepthM }),
  };
}

function inOrder(a: CaseSummary, b: CaseSummary): number {
  return (
    KINDS.indexOf(a.kind) - KINDS.indexOf(b.kind) ||
    a.sequence.localeCompare(b.sequence) ||
    a.stride - b.stride ||
    a.startFrame - b.startFrame ||
    (a.limitedTo ?? 0) - (b.limitedTo ?? 0) ||
    a.model.localeCompare(b.model) ||
    a.profile.localeCompare(b.profile)
  );
}
