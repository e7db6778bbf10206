// SPDX-License-Identifier: MIT
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { packageRoot } from '../../src/packageRoot.ts';

export interface CliResult {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

export interface CliOptions {
  env?: NodeJS.ProcessEnv;
  /** Writing a file beyond this size fails, as on a full disk (with EFBIG). */
  fileSizeLimitKb?: number;
  /** Called with what stderr holds so far, whenever something is added. */
  onStderr?(text: string, child: ChildProcess): void;
}

/** Runs the command line from its sources in a process of its own. */
export function runCli(args: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  const node = [process.execPath, '--import', 'tsx', join(packageRoot(), 'src', 'cli', 'main.ts'), ...args];
  // A limit without the signal that comes with it: writes fail instead. The cache of tsx must not be cut off by it.
  const limit = `trap "" XFSZ; ulimit -f ${options.fileSizeLimitKb}; exec "$@"`;
  const [command, ...rest] = options.fileSizeLimitKb === undefined ? node : ['bash', '-c', limit, 'limited', ...node];
  const child = spawn(command!, rest, {
    cwd: packageRoot(),
    env: {
      ...process.env,
      NODE_OPTIONS: '',
      ...(options.fileSizeLimitKb === undefined ? {} : { TSX_DISABLE_CACHE: '1' }),
      ...options.env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
    options.onStderr?.(stderr, child);
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
}
