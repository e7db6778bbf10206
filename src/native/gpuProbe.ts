// SPDX-License-Identifier: MIT
import { execFile, spawnSync } from 'node:child_process';
import { messageOf } from '../error.ts';
import type { GpuReport } from './addon.ts';
import { addonPath, loadAddon } from './loadAddon.ts';

/** A report, or in one clause why there is none. */
export type GpuProbe = { report: GpuReport } | { obstacle: string };

/** The first opening of a driver takes seconds on some machines. */
const TIMEOUT_MS = 30_000;

/** What stands before the report on its line: drivers and their libraries may print too. */
const MARK = 'qpvo-gpu ';

/** Program of the child: the addon's path is its only argument. */
const PROGRAM = `process.stdout.write('\\n${MARK}' + JSON.stringify(require(process.argv[1]).probeGpu()) + '\\n')`;

/** How long an obstacle is believed: drivers come back. */
const OBSTACLE_MS = 60_000;

let kept: { probe: GpuProbe; atMs: number } | undefined;

/**
 * What GPUs there are, in a process of its own: a broken driver can crash or hang whoever opens it. A GPU that was found stays until it is lost, an obstacle is looked at
 * again after a while. Blocks while the driver is asked; costs nothing with an addon built without CUDA.
 */
export function gpuProbe(): GpuProbe {
  if (!isBuiltWithCuda()) return NOT_BUILT;
  const isOld = kept !== undefined && 'obstacle' in kept.probe && performance.now() - kept.atMs > OBSTACLE_MS;
  if (kept === undefined || isOld) keep(probeIn(process.execPath, childArguments()));
  return kept!.probe;
}

/** Asks anew without blocking, for whoever calls gpuProbe() later. */
export async function refreshGpuProbe(): Promise<void> {
  if (isBuiltWithCuda()) keep(await probeBeside(process.execPath, childArguments()));
}

function keep(probe: GpuProbe): void {
  kept = { probe, atMs: performance.now() };
}

function childArguments(): string[] {
  return ['-e', PROGRAM, addonPath()];
}

/** After a GPU was lost: the next probe looks again. */
export function forgetGpuProbe(): void {
  kept = undefined;
}

/** What to do about an addon without CUDA. */
export const BUILD_WITH_CUDA =
  '`npm run build` builds for an NVIDIA GPU where there is one and nvcc of CUDA 12.2 or newer, `QPVO_CUDA=ON npm run build` also without a GPU';

const NOT_BUILT: GpuProbe = { obstacle: `the addon was built without CUDA: ${BUILD_WITH_CUDA}` };

/** An addon that cannot be loaded is told of elsewhere. */
function isBuiltWithCuda(): boolean {
  try {
    return loadAddon().probeGpu !== undefined;
  } catch {
    return false;
  }
}

/** Runs the command, which prints a report, and says what happened when it does not. */
export function probeIn(command: string, args: readonly string[], timeoutMs = TIMEOUT_MS): GpuProbe {
  const { error, signal, status, stdout, stderr } = spawnSync(command, args, {
    encoding: 'utf8',
    timeout: timeoutMs,
    killSignal: 'SIGKILL',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const isLate = error !== undefined && 'code' in error && error.code === 'ETIMEDOUT';
  return judged({ error: isLate ? undefined : error, isLate, signal, status, stdout, stderr }, timeoutMs);
}

/** As probeIn, without blocking. */
export function probeBeside(command: string, args: readonly string[], timeoutMs = TIMEOUT_MS): Promise<GpuProbe> {
  const asked = new Promise<GpuProbe>((resolve) => {
    const options = { timeout: timeoutMs, killSignal: 'SIGKILL' } as const;
    execFile(command, args, options, (error, stdout, stderr) => {
      const code = error?.code;
      const signal = error?.signal ?? null;
      // A text stands for a child that could not be started or heard, a number is its exit code.
      const failure = typeof code === 'string' ? error! : undefined;
      const isLate = failure === undefined && error?.killed === true;
      resolve(
        judged(
          { error: failure, isLate, signal, status: typeof code === 'number' ? code : 0, stdout, stderr },
          timeoutMs,
        ),
      );
    });
  });
  // Some failures to start a child are thrown.
  return asked.catch((error: unknown) => ({ obstacle: `the GPU could not be asked: ${messageOf(error)}` }));
}

interface ChildEnd {
  /** Why the child could not be started. */
  error: Error | undefined;
  /** It was ended because it took too long. */
  isLate: boolean;
  signal: NodeJS.Signals | null;
  status: number | null;
  stdout: string | null;
  stderr: string | null;
}

function judged({ error, isLate, signal, status, stdout, stderr }: ChildEnd, timeoutMs: number): GpuProbe {
  const words = lastLine(stderr ?? '');
  if (isLate) return { obstacle: `the GPU driver gave no answer within ${timeoutMs / 1000} s` };
  if (error !== undefined) return { obstacle: `the GPU could not be asked: ${error.message}` };
  if (signal !== null) return { obstacle: `asking the GPU ended in ${signal}${words}: the driver seems broken` };
  const report = reportIn(stdout ?? '');
  if (report !== undefined) return { report };
  return { obstacle: `asking the GPU ended with exit code ${status} and no report${words}` };
}

/** The report in what the child printed; undefined when there is none that can be read. */
function reportIn(output: string): GpuReport | undefined {
  const line = output.split('\n').findLast((text) => text.startsWith(MARK));
  if (line === undefined) return undefined;
  try {
    const value = JSON.parse(line.slice(MARK.length)) as Partial<GpuReport>;
    const isReport =
      Number.isInteger(value.runtimeVersion) &&
      Number.isInteger(value.driverVersion) &&
      Array.isArray(value.devices) &&
      typeof value.fault === 'string';
    return isReport ? (value as GpuReport) : undefined;
  } catch {
    return undefined;
  }
}

/** The last words of the child, for a message; empty when there were none. */
function lastLine(text: string): string {
  const line = text.trim().split('\n').at(-1)?.trim() ?? '';
  return line === '' ? '' : ` ("${line.slice(0, 200)}")`;
}
