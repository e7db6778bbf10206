// SPDX-License-Identifier: MIT
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import type { ComparedRun, Comparison, ComparisonPlan } from '../compare/Comparison.ts';
import { comparisonText } from '../compare/comparisonText.ts';
import { makeRuns } from '../compare/makeRuns.ts';
import type { Command } from './Command.ts';
import { ComparisonFiles } from './ComparisonFiles.ts';
import { ComparisonProgress } from './ComparisonProgress.ts';
import { interruptible } from './interrupt.ts';
import { numberOption, parseOptions } from './parseOptions.ts';
import { readRange } from './readRange.ts';
import { RECORDING_OPTIONS } from './recordingOptions.ts';
import { settleComparison } from './settleComparison.ts';

const USUAL_SEEDS = 5;

const HELP = `Usage: qpvo compare <source> [<source> ...] --profiles <a,b,...> [options]

Runs the same sequences with the same seeds under each profile and puts them side by side: trajectory errors, tracked share, frames per
second, latency, memory, size of the model files, arithmetic, time by stage. Every run is a process of its own. The first profile is what
the others are measured against: a median error should stay within the spread of its seeds, or within 5 % of its median, whichever is
larger, with at most 1 percentage point less of the frames tracked. Errors are against ground truth where the recording has
it, otherwise against the trajectories of the first profile.

Writes compare.json, compare.html (one page with the trajectories overlaid) and the trajectory of every run.

Options:
  --profiles <a,b,...>  profiles, or paths of profile.yaml files, with commas between them; at least two
  --seeds <n>           runs of each profile on each sequence, with the seeds 0 to n - 1 (default: ${USUAL_SEEDS})
  --model <name>        model of all profiles, or its folder (default: that of each profile)
  --camera <file>       calibration of all sources (default: that of each source)
  --topic <name>        image topic of the bags (default: found by itself)
  --start <seconds>     skip this much of each recording
  --end <seconds>       stop this long after the first image of each recording
  --stride <n>          take every n-th image
  --set <name=value>    change a parameter for all profiles; may be repeated
  --jobs <n>            so many runs at once, which share the cores; times are then not compared (default: 1)
  --out <folder>        where files are written (default: qpvo-out/compare)
  --json <file>         where the JSON is written (default: compare.json in that folder)
  --help                this text

Ctrl-C ends the comparison with all runs that were made; exit code 1 when a run failed.

Examples:
  qpvo compare MH_05_difficult --profiles cpu_fp32,cpu_fp32_half
  qpvo compare MH_01_easy MH_05_difficult --profiles cpu_fp32,cpu_int8 --seeds 3 --stride 2 --out results/int8
  qpvo compare recording.mcap --profiles cpu_fp32,my_profile.yaml --end 20`;

const OPTIONS = {
  ...RECORDING_OPTIONS,
  profiles: { type: 'string' },
  seeds: { type: 'string' },
  jobs: { type: 'string' },
  out: { type: 'string', default: join('qpvo-out', 'compare') },
} as const;

type Options = ReturnType<typeof parseCompare>['values'];

function parseCompare(args: string[]) {
  return parseOptions('compare', args, ['source', '[source ...]'], OPTIONS);
}

async function run(args: string[]): Promise<number> {
  const { values, positionals } = parseCompare(args);
  const range = readRange(values);
  const plan = await settleComparison({
    sources: positionals,
    profiles: values.profiles,
    model: values.model,
    camera: values.camera,
    topic: values.topic,
    assignments: values.set,
    seeds: numberOption('seeds', values.seeds, { least: 1, integer: true }) ?? USUAL_SEEDS,
    jobs: numberOption('jobs', values.jobs, { least: 1, integer: true }) ?? 1,
  });
  const files = await ComparisonFiles.create(plan, range, values.out, values.json);
  const comparison = await play(plan, files, values);
  if (comparison === undefined) {
    console.log('No run was made.');
    return 0;
  }
  console.log(comparisonText(comparison));
  console.log(['Written:', files.paths.page, files.paths.json].join('\n  '));
  return comparison.sequences.some(({ runs }) => runs.some(({ failure }) => failure !== undefined)) ? 1 : 0;
}

/** Makes the runs with progress on stderr and an end by Ctrl-C; resolves with what they say, undefined when none was made. */
async function play(plan: ComparisonPlan, files: ComparisonFiles, values: Options): Promise<Comparison | undefined> {
  const progress = new ComparisonProgress(plan);
  let comparison: Comparison | undefined;
  const onRun = async (run: ComparedRun): Promise<void> => {
    comparison = await files.add(run);
    progress.done(run, comparison);
  };
  const action = (signal: AbortSignal): Promise<void> =>
    makeRuns({
      plan,
      folder: join(values.out, 'runs'),
      options: sharedOptions(values, plan.jobs),
      signal,
      onRun,
      onLine: (run, line) => progress.line(run, line),
    });
  await interruptible(action, () => progress.note('Ending: what was done is kept.'));
  return comparison;
}

/** Options of every `qpvo run`. Runs that share the machine share its cores, unless --set says otherwise. */
function sharedOptions(values: Options, jobs: number): string[] {
  const given = (['model', 'camera', 'topic', 'start', 'end', 'stride'] as const).flatMap((name) =>
    values[name] === undefined ? [] : [`--${name}`, values[name]],
  );
  const threads = `threads=${Math.max(1, Math.floor(availableParallelism() / jobs))}`;
  const set = [...(jobs > 1 ? [threads] : []), ...values.set];
  return [...given, ...set.flatMap((assignment) => ['--set', assignment])];
}

export const command: Command = { help: HELP, run };
