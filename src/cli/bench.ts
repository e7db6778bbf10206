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
  --full            accuracy only: half resolution too, and rendered sequences also at stride 2

Options of accuracy, which runs the product over all sequences at hand:
  --seeds N           runs of each case (default: 5)
  --only TEXT         only cases whose names hold the text, such as mh05, start11 or stride2
  --profile NAME      default: cpu_fp32
  --model NAME        model, or its folder (default: that of the profile)
  --rendered FOLDER   rendered sequences, ASL folders (default: training/qpvo-out/sequences)
  --floor             also KLT + essential matrix + PnP, by the Python of QPVO_PYTHON (else python3) with cv2; without, its earlier runs stay in the result
  --jobs N            so many runs at once with a thread each; frames per second are then not measured
  --resume            go on from the result file: runs that are in it with the same model and settings are not made again
  --write-readme      put the table into README.md; done by itself after a bench that left nothing out
  --readme-only       make the table in README.md anew from the result file

Options of gpu, which measures the profiles of GPUs and is skipped where there is none:
  --model NAME        model, or its folder (default: that of the profile)

Options of numerics, which compares every stage of the networks with the golden tensors of the models:
  --model NAME        only this model, or its folder (default: all)
  --write-docs        put the table into docs/numerics.md

Examples:
  qpvo bench
  qpvo bench accuracy --only mh01 --seeds 1
  qpvo bench accuracy --jobs 2 --floor --resume
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
