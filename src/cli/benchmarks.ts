// SPDX-License-Identifier: MIT
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { nearestName } from '../config/nearestName.ts';
import { QpvoError } from '../error.ts';
import { packageRoot } from '../packageRoot.ts';

const SUFFIX = '.bench.ts';

export interface Benchmark {
  name: string;
  file: string;
  /** What it measures: the comment in the second line of the file. */
  text: string;
}

/** The benchmarks in a folder, files <name>.bench.ts. @throws QpvoError QPVO_NOT_FOUND when there is none */
export async function listBenchmarks(folder: string): Promise<Benchmark[]> {
  const files = existsSync(folder) ? (await readdir(folder)).filter((file) => file.endsWith(SUFFIX)).sort() : [];
  if (files.length === 0) {
    throw new QpvoError('QPVO_NOT_FOUND', {
      what: 'no benchmarks here',
      expected: join(folder, `<name>${SUFFIX}`),
      advice: 'Run them from a checkout of the repository.',
    });
  }
  return Promise.all(
    files.map(async (file) => {
      const [, second = ''] = (await readFile(join(folder, file), 'utf8')).split('\n');
      return { name: file.slice(0, -SUFFIX.length), file: join(folder, file), text: second.replace(/^\/\/\s*/, '') };
    }),
  );
}

/** The one of that name, or all. @throws QpvoError QPVO_USAGE for an unknown name */
export function chooseBenchmarks(name: string, benchmarks: readonly Benchmark[]): Benchmark[] {
  const chosen = benchmarks.filter((entry) => name === 'all' || entry.name === name);
  if (chosen.length > 0) return chosen;
  const names = benchmarks.map((entry) => entry.name);
  const nearest = nearestName(name, names);
  throw new QpvoError('QPVO_USAGE', {
    what: `unknown benchmark "${name}"`,
    expected: ['all', ...names].join(', '),
    ...(nearest === undefined ? {} : { advice: `Did you mean ${nearest}?` }),
  });
}

/** Runs a benchmark in a process of its own, so that peak memory is that of the benchmark alone; resolves with its exit code. */
export function runBenchmark(file: string, args: readonly string[]): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['--import', 'tsx', file, ...args], { cwd: packageRoot(), stdio: 'inherit' });
    child.on('error', reject);
    child.on('close', (code) => resolve(code ?? 1));
  });
}
