// SPDX-License-Identifier: MIT
import type { Command } from './Command.ts';
import type { Check, CheckStatus } from './doctor/Check.ts';
import { checkGpu } from './doctor/gpuChecks.ts';
import { checkMachine } from './doctor/machineChecks.ts';
import { checkModels } from './doctor/modelChecks.ts';
import { checkPackages } from './doctor/packageChecks.ts';
import { tensorrtCheck, tensorrtState } from './doctor/tensorrtCheck.ts';
import { parseOptions } from './parseOptions.ts';

const HELP = `Usage: qpvo doctor [options]

Checks this installation: Node, packages, processor, build tools, native addon, GPU with driver, CUDA and TensorRT, models with their
checksums, and profiles: what each would do here, or why it cannot run. The GPU is asked in a process of its own. Exit code 1 when the
odometry cannot run here.

Options:
  --json  print JSON
  --help  this text

Examples:
  qpvo doctor
  qpvo doctor --json`;

const MARKS: Readonly<Record<CheckStatus, string>> = {
  ok: 'ok',
  unavailable: '-',
  warning: 'WARNING',
  broken: 'BROKEN',
};

async function run(args: string[]): Promise<number> {
  const { values } = parseOptions('doctor', args, [], { json: { type: 'boolean', default: false } });
  const tensorrt = await tensorrtState();
  const checks = [
    ...checkPackages(),
    ...(await checkMachine()),
    ...checkGpu(),
    tensorrtCheck(tensorrt),
    ...(await checkModels(tensorrt)),
  ];
  console.log(values.json ? JSON.stringify(checks, null, 2) : checks.map(line).join('\n'));
  const broken = checks.filter((check) => check.status === 'broken');
  if (broken.length === 0) return 0;
  console.error(
    `qpvo: ${broken.length} of ${checks.length} checks broken: ${broken.map(({ name }) => name).join(', ')}`,
  );
  return 1;
}

function line({ name, status, detail }: Check): string {
  return `${MARKS[status].padEnd(8)} ${name.padEnd(28)} ${detail}`;
}

export const command: Command = { help: HELP, run };
