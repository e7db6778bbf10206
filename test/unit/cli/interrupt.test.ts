// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { packageRoot } from '../../../src/packageRoot.ts';

/** A program that ends a while after its action was aborted, and takes `endMs` for that. */
function start(endMs: number, actionMs = 0): ChildProcess {
  const module = JSON.stringify(join(packageRoot(), 'src', 'cli', 'interrupt.ts'));
  const program = `
    const { interruptible } = await import(${module});
    const hold = setInterval(() => undefined, 1000);
    await interruptible(async (signal) => {
      console.log('ready');
      await new Promise((resolve) => signal.addEventListener('abort', () => setTimeout(resolve, ${actionMs})));
    }, () => console.log('first'), 1000);
    setTimeout(() => clearInterval(hold), ${endMs});`;
  const args = ['--import', 'tsx', '--input-type=module', '--eval', program];
  return spawn(process.execPath, args, { cwd: packageRoot(), stdio: ['ignore', 'pipe', 'inherit'] });
}

async function said(child: ChildProcess, word: string): Promise<void> {
  for await (const [chunk] of onData(child)) if (String(chunk).includes(word)) return;
}

async function* onData(child: ChildProcess): AsyncGenerator<[Buffer]> {
  while (true) yield await new Promise<[Buffer]>((resolve) => child.stdout!.once('data', (chunk) => resolve([chunk])));
}

const ended = (child: ChildProcess): Promise<[number | null, NodeJS.Signals | null]> =>
  new Promise((resolve) => child.on('close', (code, signal) => resolve([code, signal])));

describe('an interrupt', () => {
  it('that comes twice at once is one wish, also when the action has already ended', async () => {
    const child = start(400);
    await said(child, 'ready');
    child.kill('SIGINT');
    await said(child, 'first');
    child.kill('SIGINT');
    child.kill('SIGTERM');
    assert.deepEqual(await ended(child), [0, null]);
  });

  it('that comes again later ends the process at once', async () => {
    const child = start(0, 60_000);
    await said(child, 'ready');
    child.kill('SIGINT');
    await said(child, 'first');
    await new Promise((resolve) => setTimeout(resolve, 1200));
    child.kill('SIGINT');
    assert.deepEqual(await ended(child), [130, null]);
  });
});
