// SPDX-License-Identifier: MIT
import { type Spread, spreadOf } from '../evaluation/spread.ts';
import type { Stage } from '../odometry/types.ts';
import type {
  ComparedRun,
  Comparison,
  ComparisonPlan,
  ErrorUnit,
  ProfileResult,
  RunMeasures,
  SequenceResult,
} from './Comparison.ts';
import { MEASURE_NAMES, type MeasureName, measuresOf } from './measures.ts';
import { planRuns } from './planRuns.ts';
import { errorUnit, type RunErrors } from './RunErrors.ts';
import { judge } from './verdict.ts';

/** What the runs made so far say. */
export async function compareRuns(
  plan: ComparisonPlan,
  runs: readonly ComparedRun[],
  errors: RunErrors,
): Promise<Comparison> {
  const sequences: SequenceResult[] = [];
  for (const { name, source } of plan.sequences) {
    const measured: RunMeasures[] = [];
    for (const run of runs) if (run.sequence === name) measured.push(await measureRun(plan, run, errors));
    const unit = errorUnit(plan, name);
    sequences.push({ name, source, errorUnit: unit, profiles: profileResults(plan, measured, unit), runs: measured });
  }
  return {
    seeds: plan.seeds,
    jobs: plan.jobs,
    planned: planRuns(plan).length,
    made: runs.length,
    profiles: plan.contenders.map(({ profile, manifest }) => {
      const { name, description, device, runtime, precision } = profile;
      return { name, description, model: manifest.name, device, runtime, precision };
    }),
    sequences,
  };
}

async function measureRun(plan: ComparisonPlan, run: ComparedRun, errors: RunErrors): Promise<RunMeasures> {
  const { sequence, profile, seed, summary, failure } = run;
  const contender = plan.contenders.find((entry) => entry.profile.name === profile)!;
  const where = plan.sequences.find(({ name }) => name === sequence)!;
  const isTimed = plan.jobs === 1;
  const values = {
    ...(await errors.of(run)),
    ...(summary && measuresOf(summary, contender, where, isTimed)),
  };
  const stagesMs = isTimed ? (summary?.stagesMs ?? {}) : {};
  return { sequence, profile, seed, values, stagesMs, ...(failure === undefined ? {} : { failure }) };
}

function profileResults(plan: ComparisonPlan, runs: readonly RunMeasures[], unit: ErrorUnit): ProfileResult[] {
  const results = plan.contenders.flatMap(({ profile }) => {
    const own = runs.filter((run) => run.profile === profile.name);
    return own.length === 0 ? [] : [profileResult(profile.name, own)];
  });
  const firstName = plan.contenders[0]!.profile.name;
  const first = results.find(({ profile }) => profile === firstName);
  if (first === undefined) return results;
  const judged = ({ profile, measures }: ProfileResult) => ({
    profile,
    error: measures.error,
    trackedPercent: measures.trackedPercent,
  });
  const known = runs.flatMap(({ profile, values: { error } }) =>
    profile === firstName && error !== undefined && Number.isFinite(error) ? [error] : [],
  );
  const name = unit === 'm' ? 'ATE' : 'difference';
  return results.map((result) => {
    if (result === first) return result;
    const verdict = judge(judged(result), { ...judged(first), errors: known }, name, unit);
    return { ...result, ratios: ratiosOf(result, first), verdict };
  });
}

function profileResult(profile: string, runs: readonly RunMeasures[]): ProfileResult {
  const measures: ProfileResult['measures'] = {};
  for (const name of MEASURE_NAMES) {
    const values = runs.flatMap((run) => run.values[name] ?? []);
    if (values.length > 0) measures[name] = spreadOf(values);
  }
  const failures = runs.flatMap(({ failure }) => failure ?? []);
  return { profile, runs: runs.length, failures, measures, stagesMs: stageMedians(runs), ratios: {} };
}

function stageMedians(runs: readonly RunMeasures[]): Partial<Record<Stage, number>> {
  const stages = [...new Set(runs.flatMap(({ stagesMs }) => Object.keys(stagesMs) as Stage[]))];
  return Object.fromEntries(
    stages.map((stage) => [stage, spreadOf(runs.flatMap(({ stagesMs }) => stagesMs[stage] ?? [])).median]),
  );
}

function ratiosOf(result: ProfileResult, first: ProfileResult): ProfileResult['ratios'] {
  const ratio = (own: Spread | undefined, other: Spread | undefined): number | undefined => {
    const value = own && other ? own.median / other.median : Number.NaN;
    return Number.isFinite(value) ? value : undefined;
  };
  const ratios: Partial<Record<MeasureName, number>> = {};
  for (const name of MEASURE_NAMES) {
    const value = ratio(result.measures[name], first.measures[name]);
    if (value !== undefined) ratios[name] = value;
  }
  return ratios;
}
