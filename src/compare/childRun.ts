// SPDX-License-Identifier: MIT
import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { QpvoError } from '../error.ts';
import type { RunSummary } from '../outputs/RunSummary.ts';
import { packageRoot } from '../packageRoot.ts';

export interface ChildRun {
  /** Of `qpvo run`, without --out and --json. */
  args: readonly string[];
  /** Where its files go. */
  folder: string;
  /** Ends the run at once; what it has written is worth nothing then. */
  signal: AbortSignal;
  /** Takes each line of its progress. */
  onLine?(line: string): void;
}

const LAST_WORDS = 2000;

/**
 * One `qpvo run` in a process of its own, of the same build as this one: time and memory are those of a clean process.
 *
 * @throws QpvoError QPVO_INTERNAL with the last words of the process when it fails or is ended
 */
export async function childRun({ args, folder, signal, onLine }: ChildRun): Promise<RunSummary> {
  const json = join(folder, 'summary.json');
  const child = spawn(process.execPath, [...program(), 'run', ...args, '--out', folder, '--json', json], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let lastWords = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    lastWords = (lastWords + text).slice(-LAST_WORDS);
    for (const line of text.split('\n')) if (line.trim() !== '') onLine?.(line);
  });
  const kill = (): void => void child.kill('SIGKILL');
  signal.addEventListener('abort', kill);
  try {
    await new Promise<void>((resolve, reject) => {
      child.on('error', reject);
      child.on('close', (code, ended) => (code === 0 ? resolve() : reject(failed(code, ended, lastWords))));
      if (signal.aborted) kill();
    });
  } finally {
    signal.removeEventListener('abort', kill);
  }
  return JSON.parse(await readFile(json, 'utf8')) as RunSummary;
}

/** How Node starts the program that this file belongs to: the compiled one, or its sources. */
function program(): string[] {
  if (!fileURLToPath(import.meta.url).endsWith('.ts'))
    return [fileURLToPath(new URL('../cli/main.js', import.meta.url))];
  return ['--import', import.meta.resolve('tsx'), join(packageRoot(), 'src', 'cli', 'main.ts')];
}

function failed(code: number | null, signal: NodeJS.Signals | null, lastWords: string): QpvoError {
  const lines = lastWords.split('\n').filter((line) => line.trim() !== '');
  const own = lines.findIndex((line) => line.startsWith('qpvo: '));
  // The message of an internal error stands in the line after.
  const words =
    own < 0
      ? lines.at(-1)
      : lines
          .slice(own, own + 2)
          .join(' ')
          .slice('qpvo: '.length);
  const received = `${signal ?? `exit code ${code}`}, ${words ?? 'without a word'}`;
  return new QpvoError('QPVO_INTERNAL', { what: 'the run failed', received });
}
