// SPDX-License-Identifier: MIT
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { messageOf } from '../../src/error.ts';
import { packageRoot } from '../../src/packageRoot.ts';
import { findUsablePackage } from '../../src/ros/rclnodejs/loadRclnodejs.ts';

/** Under load, discovery and the start of Python take their time. */
export const SLOW_MS = 120_000;

/** This machine alone, and a domain that other robots do not use by chance. */
const ENV: NodeJS.ProcessEnv = {
  ...process.env,
  NODE_OPTIONS: '',
  ROS_DOMAIN_ID: process.env.ROS_DOMAIN_ID ?? String(1 + (process.pid % 100)),
  ROS_AUTOMATIC_DISCOVERY_RANGE: 'LOCALHOST',
  ...(process.env.ROS_DISTRO === 'humble' ? { ROS_LOCALHOST_ONLY: '1' } : {}),
  PYTHONUNBUFFERED: '1',
};

/** Why the tests with ROS cannot run here; undefined when they can. */
function obstacle(): string | undefined {
  try {
    findUsablePackage(process.env);
  } catch (error) {
    return messageOf(error);
  }
  return spawnSync('ros2', ['--help'], { env: ENV }).status === 0 ? undefined : 'there is no command ros2';
}

/** Call in describe: its tests run where ROS 2 is, and say loudly where it is not. */
export function needsRos(): void {
  before(function () {
    this.timeout(SLOW_MS);
    const reason = obstacle();
    if (reason === undefined) return;
    console.log(`    SKIPPED: ${reason}`);
    this.skip();
  });
}

/** Whether a ROS package is installed; needs ROS. */
export function hasRosPackage(name: string): boolean {
  return spawnSync('ros2', ['pkg', 'prefix', name], { env: ENV }).status === 0;
}

/** A process with what it has said so far. */
export class Running {
  readonly #child: ChildProcess;
  readonly #ended: Promise<number | string>;
  #output = '';

  constructor(command: string, args: readonly string[]) {
    // A group of its own, so that a signal reaches all of it, as Ctrl-C in a terminal does.
    const options = { cwd: packageRoot(), env: ENV, detached: true };
    this.#child = spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [this.#child.stdout!, this.#child.stderr!]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        this.#output += text;
      });
    }
    this.#ended = new Promise((resolve, reject) => {
      this.#child.on('error', reject);
      this.#child.on('close', (code, signal) => resolve(code ?? signal ?? 'nothing'));
    });
  }

  /** stdout and stderr. */
  get output(): string {
    return this.#output;
  }

  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Waits until its output matches. */
  async says(pattern: RegExp, withinMs = SLOW_MS / 2): Promise<RegExpExecArray> {
    const lastMs = performance.now() + withinMs;
    for (;;) {
      const match = pattern.exec(this.#output);
      if (match !== null) return match;
      if (!this.isRunning) throw new Error(`ended before it said ${pattern}:\n${this.#output}`);
      if (performance.now() > lastMs) throw new Error(`did not say ${pattern} in ${withinMs} ms:\n${this.#output}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  /** Sends a signal to the process and its children and waits for the end. @returns exit code, or the signal that ended it */
  async end(signal: NodeJS.Signals = 'SIGINT'): Promise<number | string> {
    if (this.isRunning) process.kill(-this.#child.pid!, signal);
    return this.#ended;
  }

  async ended(): Promise<number | string> {
    return this.#ended;
  }
}

/** A program of this package, from its sources. */
export function startProgram(path: string, args: readonly string[] = []): Running {
  return new Running(process.execPath, ['--import', 'tsx', join(packageRoot(), path), ...args]);
}

/**
 * `ros2` with arguments; interrupted and tried once more, aloud, when it takes too long: discovery under load is not always to be relied on.
 *
 * @returns what it printed
 */
export async function ros2(args: readonly string[], withinMs = SLOW_MS / 4): Promise<string> {
  const [output, isInTime] = await interruptedAfter(args, withinMs);
  if (isInTime) return output;
  console.log(`      ros2 ${args.join(' ')} took more than ${withinMs / 1000} s; once more`);
  return (await interruptedAfter(args, withinMs))[0];
}

async function interruptedAfter(
  args: readonly string[],
  withinMs: number,
): Promise<[output: string, isInTime: boolean]> {
  const running = new Running('ros2', args);
  let isInTime = true;
  const timer = setTimeout(() => {
    isInTime = false;
    void running.end('SIGINT');
  }, withinMs);
  await running.ended();
  clearTimeout(timer);
  return [running.output, isInTime];
}

/** One message of a topic, as `ros2 topic echo` prints it. */
export function echo(topic: string, type: string, ...options: string[]): Promise<string> {
  return ros2(['topic', 'echo', '--once', '--no-daemon', topic, type, ...options]);
}
