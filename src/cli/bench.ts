// SPDX-License-Identifier: MIT
import { join } from 'node:path';
import { packageRoot } from '../packageRoot.ts';
import { chooseBenchmarks, listBenchmarks, runBenchmark } from './benchmarks.ts';
import type { Command } from './Command.ts';

const HELP = `Usage: qpvo bench [name | all] [options of the benchmark]

Lists the benchmarks, or runs one of them or all; each prints JSON. They are part of a checkout (bench/<name>.bench.ts), not of the
installed package.

Examples:
  qpvo bench
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
