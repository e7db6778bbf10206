// SPDX-License-Identifier: MIT
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { nearestName } from '../config/nearestName.ts';
import { QpvoError } from '../error.ts';
import { packageRoot } from '../packageRoot.ts';
import type { Command } from './Command.ts';

const HELP = `Usage: qpvo bench [name | all] [options of the benchmark]

Lists the benchmarks, or runs one of them or all; each prints JSON. They are part of a checkout (bench/<name>.bench.ts), not of the
installed package.

Examples:
  qpvo bench
  qpvo bench all`;

const SUFFIX = '.bench.ts';

interface Benchmark {
  name: string;
  file: string;
  /** The first comment of the file, which says what it measures. */
  text: string;
}

async function run([name, ...rest]: string[]): Promise<number> {
  const benchmarks = await listBenchmarks();
  if (name === undefined) {
    console.log(benchmarks.map((entry) => `  ${entry.name.padEnd(16)} ${entry.text}`).join('\n'));
    return 0;
  }
  const chosen = name === 'all' ? benchmarks : benchmarks.filter((entry) => entry.name === name);
  if (chosen.length === 0) throw unknownBenchmark(name, benchmarks);
  let failed = 0;
  for (const { file } of chosen) failed += (await runFile(file, rest)) === 0 ? 0 : 1;
  return failed === 0 ? 0 : 1;
}

async function listBenchmarks(): Promise<Benchmark[]> {
  const folder = join(packageRoot(), 'bench');
  const files = existsSync(folder) ? (await readdir(folder)).filter((file) => file.endsWith(SUFFIX)).sort() : [];
  if (files.length === 0) {
    throw new QpvoError('QPVO_NOT_FOUND', {
      what: 'no benchmarks here',
      expected: `${folder}/<name>${SUFFIX}`,
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

function unknownBenchmark(name: string, benchmarks: readonly Benchmark[]): QpvoError {
  const names = benchmarks.map((entry) => entry.name);
  const nearest = nearestName(name, names);
  return new QpvoError('QPVO_USAGE', {
    what: `unknown benchmark "${name}"`,
    expected: `all, ${names.join(', ')}`,
    ...(nearest === undefined ? {} : { advice: `Did you mean ${nearest}?` }),
  });
}

/** Runs a TypeScript file in a process of its own, so that peak memory is that of the benchmark alone. */
function runFile(file: string, args: string[]): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['--import', 'tsx', file, ...args], { cwd: packageRoot(), stdio: 'inherit' });
    child.on('error', reject);
    child.on('close', (code) => resolve(code ?? 1));
  });
}

export const command: Command = { help: HELP, run };
