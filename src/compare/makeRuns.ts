// SPDX-License-Identifier: MIT
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from '../error.ts';
import type { RunSummary } from '../outputs/RunSummary.ts';
import type { ComparedRun, ComparisonPlan, PlannedRun } from './Comparison.ts';
import { type ChildRun, childRun } from './childRun.ts';
import { planRuns, runName } from './planRuns.ts';
import { runPool } from './runPool.ts';

export interface RunsRequest {
  plan: ComparisonPlan;
  /** Where the files of the runs go, one folder each. */
  folder: string;
  /** Options of `qpvo run` that all runs share. */
  options: readonly string[];
  signal: AbortSignal;
  /** Takes each run when it has ended, one after the other. */
  onRun(run: ComparedRun): Promise<void>;
  /** Takes the lines of progress of a run. */
  onLine?(run: PlannedRun, line: string): void;
  /** Makes one run; a process of its own when absent. */
  start?: (request: ChildRun) => Promise<RunSummary>;
}

/** Large files that nobody compares. */
const SPARE_FILES = ['odometry.mcap', 'map.ply'];

/** Makes the planned runs in their order, some at once when asked for. A run that fails is a result; one that was under way at the abort is none. */
export async function makeRuns({ plan, signal, onRun, ...request }: RunsRequest): Promise<void> {
  let told = Promise.resolve();
  await runPool(planRuns(plan), plan.jobs, async (planned) => {
    if (signal.aborted) return;
    const run = await makeRun(planned, { plan, signal, ...request });
    if (signal.aborted) return rm(run.folder, { recursive: true, force: true });
    told = told.then(() => onRun(run));
    await told;
  });
}

async function makeRun(planned: PlannedRun, request: Omit<RunsRequest, 'onRun'>): Promise<ComparedRun> {
  const { plan, options, signal, onLine, start = childRun } = request;
  const { source } = plan.sequences.find(({ name }) => name === planned.sequence)!;
  const { profile } = plan.contenders.find((contender) => contender.profile.name === planned.profile)!;
  const folder = join(request.folder, runName(planned));
  const args = [source, '--profile', profile.path, ...options, '--seed', `${planned.seed}`, '--no-report'];
  try {
    await mkdir(folder, { recursive: true });
    const summary = await start({ args, folder, signal, onLine: (line) => onLine?.(planned, line) });
    if (summary.incomplete) return { ...planned, folder, failure: 'the run was ended before the end of the recording' };
    return { ...planned, folder, summary };
  } catch (error) {
    return { ...planned, folder, failure: messageOf(error) };
  } finally {
    for (const name of SPARE_FILES) await rm(join(folder, name), { force: true });
  }
}
