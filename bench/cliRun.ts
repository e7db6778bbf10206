// SPDX-License-Identifier: MIT
import { type ChildProcess, fork } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { QpvoError } from '../src/error.ts';
import type { RunSummary } from '../src/outputs/RunSummary.ts';
import { packageRoot } from '../src/packageRoot.ts';
import type { FrameRecord } from './FrameRecord.ts';

export interface CliRunRequest {
  /** Arguments of `qpvo run`, without --out and --json. */
  args: readonly string[];
  /** Looks at the output folder before it is removed. */
  inspect?(folder: string): Promise<void>;
  /** Ends the run early, as Ctrl-C does, once it says so. */
  enough?(frame: FrameRecord): boolean;
}

export interface CliRun {
  /** Wall clock just before the process was started, milliseconds since 1970. */
  startedMs: number;
  frames: FrameRecord[];
  summary: RunSummary;
}

/** Which code runs: the compiled program where it is built, else the TypeScript sources (slower to start, more memory). */
export function codeUnderTest(): 'dist' | 'src' {
  return existsSync(join(packageRoot(), 'dist', 'cli', 'main.js')) ? 'dist' : 'src';
}

/**
 * One `qpvo run` in a process of its own, observed frame by frame.
 * @throws QpvoError QPVO_INTERNAL with the last words of the process when it fails
 */
export async function runCli(request: CliRunRequest): Promise<CliRun> {
  const folder = await mkdtemp(join(tmpdir(), 'qpvo-bench-'));
  try {
    const json = join(folder, 'summary.json');
    const startedMs = performance.timeOrigin + performance.now();
    const child = start(['run', ...request.args, '--out', folder, '--json', json]);
    const frames = await observe(child, request.enough);
    await request.inspect?.(folder);
    return { startedMs, frames, summary: JSON.parse(await readFile(json, 'utf8')) as RunSummary };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function start(args: string[]): ChildProcess {
  const root = packageRoot();
  const code = codeUnderTest();
  const program = code === 'dist' ? join(root, 'bin', 'qpvo.js') : join(root, 'src', 'cli', 'main.ts');
  const probe = ['--import', pathToFileURL(join(root, 'bench', 'probe.mjs')).href];
  return fork(program, args, {
    env: { ...process.env, QPVO_BENCH_CODE: code },
    execArgv: code === 'dist' ? probe : ['--import', 'tsx', ...probe],
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
}

function observe(child: ChildProcess, enough: CliRunRequest['enough']): Promise<FrameRecord[]> {
  const frames: FrameRecord[] = [];
  let lastWords = '';
  let ending = false;
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    lastWords = (lastWords + text).slice(-2000);
  });
  child.on('message', (message) => {
    const frame = message as FrameRecord;
    frames.push(frame);
    if (ending || !enough?.(frame)) return;
    ending = true;
    child.kill('SIGINT');
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => {
      if (code === 0) return resolve(frames);
      const received = `${signal ?? `exit code ${code}`}: ${lastWords.trim()}`;
      reject(new QpvoError('QPVO_INTERNAL', { what: 'a measured run failed', expected: 'exit code 0', received }));
    });
  });
}
