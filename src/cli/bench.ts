// SPDX-License-Identifier: MIT
import { join } from 'node:path';
import { packageRoot } from '../packageRoot.ts';
import { chooseBenchmarks, listBenchmarks, runBenchmark } from './benchmarks.ts';
import type { Command } from './Command.ts';

const HELP = `Usage: qpvo bench [name | all] [options of the benchmark]

Lists the benchmarks, or runs one of them or all. Each prints a table with its targets and writes bench/results/<name>.json. They are part of
a checkout (bench/<name>.bench.ts), not of the installed package.

Options of every benchmark:
  --frames N        only so many images (ops: repetitions); figures of an excerpt are not judged where that would mislead
  --out PATH        where the JSON goes, a file or a folder
  --full            accuracy only: full resolution too

Examples:
  qpvo bench
  qpvo bench speed --frames 120 --out /tmp/speed.json
  qpvo bench all`;

async function run([name, ...rest]: string[]): Promise<number> {
  const benchmarks = await listBenchmarks(join(packageRoot(), 'bench'));
  if (name === undefined) {
    console.log(benchmarks.map((entry) => `  ${entry.name.padEnd(16)} ${entry.text}`).join('\n'));
    return 0;
  }
  let failed = 0;
  for (const { file } of chooseBenchmarks(name, benchmarks)) {
    if ((await runBenchmark(file, rest)) !== 0) failed++;
  }
  return failed === 0 ? 0 : 1;
}

export const command: Command = { help: HELP, run };
