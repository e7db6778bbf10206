// SPDX-License-Identifier: MIT
import { nearestName } from '../config/nearestName.ts';
import { QpvoError } from '../error.ts';
import { packageVersion } from '../packageRoot.ts';
import type { Command } from './Command.ts';
import { exitCodeOf } from './exitCode.ts';

interface Entry {
  summary: string;
  load(): Promise<{ command: Command }>;
}

/** The subcommands; each is loaded only when it is called. */
const COMMANDS: Readonly<Record<string, Entry>> = {
  run: { summary: 'odometry from a recorded sequence', load: () => import('./run.ts') },
  eval: { summary: 'compare two trajectories', load: () => import('./eval.ts') },
  compare: { summary: 'compare profiles on the same recordings', load: () => import('./compare.ts') },
  info: { summary: 'what is in a recording', load: () => import('./info.ts') },
  doctor: { summary: 'check this installation', load: () => import('./doctor.ts') },
  bench: { summary: 'list and run the benchmarks', load: () => import('./bench.ts') },
  publish: { summary: 'play a recording as ROS 2 topics', load: () => import('./publish.ts') },
  import: { summary: 'make a model from trained weights', load: () => import('./import.ts') },
  engine: { summary: 'build, list and clear engines of TensorRT', load: () => import('./engine.ts') },
};

const HELP = `qpvo ${packageVersion()}: visual odometry from one camera

Usage: qpvo <command> [options]

Commands:
${Object.entries(COMMANDS)
  .map(([name, { summary }]) => `  ${name.padEnd(8)} ${summary}`)
  .join('\n')}

Options:
  --help     this text; qpvo <command> --help tells more
  --version  version of the package

Exit codes: 0 done, 1 failed, 2 bad usage

Examples:
  qpvo run recording.mcap
  qpvo run MH_01_easy --profile cpu_fp32_half --out results
  qpvo eval results/trajectory.tum MH_01_easy`;

async function main(args: string[]): Promise<number> {
  const [name, ...rest] = args;
  if (name === '--version') {
    console.log(packageVersion());
    return 0;
  }
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    console[name === undefined ? 'error' : 'log'](HELP);
    return name === undefined ? 2 : 0;
  }
  const entry = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (entry === undefined) {
    const nearest = nearestName(name, Object.keys(COMMANDS));
    throw new QpvoError('QPVO_USAGE', {
      what: `unknown command "${name}"`,
      expected: Object.keys(COMMANDS).join(', '),
      advice: `${nearest === undefined ? '' : `Did you mean ${nearest}? `}See qpvo --help.`,
    });
  }
  const { command } = await entry.load();
  const beforeDashes = rest.includes('--') ? rest.slice(0, rest.indexOf('--')) : rest;
  if (beforeDashes.includes('--help') || beforeDashes.includes('-h')) {
    console.log(command.help);
    return 0;
  }
  return command.run(rest);
}

// A closed pipe (qpvo info ... | head) is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
});

process.exitCode = await main(process.argv.slice(2)).catch(exitCodeOf);
