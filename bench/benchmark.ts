// SPDX-License-Identifier: MIT
import { execFileSync } from 'node:child_process';
import { rename } from 'node:fs/promises';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import type { ParseArgsConfig } from 'node:util';
import { hostInfo } from '../src/cli/hostInfo.ts';
import { writeJson } from '../src/cli/openOutputs.ts';
import { numberOption, parseOptions } from '../src/cli/parseOptions.ts';
import { messageOf, QpvoError } from '../src/error.ts';
import { packageRoot, packageVersion } from '../src/packageRoot.ts';
import { codeUnderTest } from './cliRun.ts';

/** What every benchmark takes; each uses what makes sense for it. */
export interface BenchOptions {
  /** --frames: use only so many images of each recording (or repetitions of each op). */
  frames: number | undefined;
  /** --full: also what the benchmark leaves out by default, such as another resolution. */
  full: boolean;
}

/** What a benchmark works with. */
export interface BenchRun<O extends Options> extends BenchOptions {
  /** The options of this benchmark alone. */
  values: Values<O>;
  /** The result file. */
  file: string;
  /** Writes what there is so far, so that a long benchmark that is interrupted leaves it behind. */
  save(result: object): Promise<void>;
}

type Options = NonNullable<ParseArgsConfig['options']>;
type Values<O extends Options> = ReturnType<typeof parseOptions<O>>['values'];

const OPTIONS = {
  frames: { type: 'string' },
  out: { type: 'string' },
  full: { type: 'boolean', default: false },
} as const;

/**
 * The frame of a benchmark program: reads the options, measures, writes the result. A benchmark that could not measure (absent data) leaves
 * no file.
 *
 * @param measure resolves with what goes into the result file, or with undefined when it was skipped
 * @param own options of this benchmark alone
 */
export async function benchmark<const O extends Options = Record<never, never>>(
  name: string,
  measure: (run: BenchRun<O>) => Promise<object | undefined>,
  own?: O,
): Promise<void> {
  try {
    const { values } = parseOptions('bench', process.argv.slice(2), [], { ...own, ...OPTIONS });
    const general = values as Values<typeof OPTIONS>;
    const frames = numberOption('frames', general.frames, { least: 1, integer: true });
    const loadBefore = loadavg()[0]!;
    console.log(
      `\n== ${name} == (load average of the machine before: ${loadBefore.toFixed(2)}; times mean little when it is busy)`,
    );
    const file = resultFile(name, general.out);
    const limit = frames === undefined ? {} : { limitedTo: frames };
    const save = (result: object): Promise<void> =>
      replaceJson(file, { ...heading(name), loadBefore, ...limit, ...result });
    const result = await measure({ frames, full: general.full, values: values as unknown as Values<O>, file, save });
    if (result === undefined) return;
    await save(result);
    console.log(`written: ${file}`);
  } catch (error) {
    if (!(error instanceof QpvoError)) throw error;
    console.error(`qpvo: ${error.message} [${error.code}]`);
    process.exitCode = error.code === 'QPVO_USAGE' ? 2 : 1;
  }
}

/** Whoever reads the file meanwhile finds the old content or the new, never a part. */
async function replaceJson(file: string, value: object): Promise<void> {
  await writeJson(`${file}.part`, value);
  await rename(`${file}.part`, file);
}

/** --out is a .json file, or a folder for <name>.json. */
export function resultFile(name: string, out: string = join(packageRoot(), 'bench', 'results')): string {
  return out.endsWith('.json') ? out : join(out, `${name}.json`);
}

function heading(name: string): object {
  return {
    benchmark: name,
    date: new Date().toISOString(),
    version: packageVersion(),
    commit: commit(),
    code: codeUnderTest(),
    host: hostInfo(),
  };
}

/** The commit at hand. Results that other benchmarks wrote do not make it dirty. */
export function commit(): { hash: string; dirty: boolean } | string {
  const git = (...args: string[]): string =>
    execFileSync('git', args, { cwd: packageRoot(), encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim();
  try {
    const dirty = git('status', '--porcelain', '--', '.', ':!bench/results') !== '';
    return { hash: git('rev-parse', 'HEAD'), dirty };
  } catch (error) {
    return `unknown: ${messageOf(error).split('\n')[0]}`;
  }
}
