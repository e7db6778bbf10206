// SPDX-License-Identifier: MIT
import { spawn } from 'node:child_process';
import { createWriteStream, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './root.mjs';
import { StepError } from './StepError.mjs';

const TAIL_LINES = 30;

/**
 * Runs a command with its output in .qpvo/log/<name>.log and one line on the screen. Rejects with a StepError that shows the end of the log. A command that
 * runs longer than `limitSeconds` is killed and counts as failed. Resolves with its output, of which the last 20,000 characters.
 * @param {{ name: string, title: string, command: string[], advice?: string, env?: Record<string, string>, limitSeconds?: number }} step
 */
export async function loggedStep({ name, title, command, advice = '', env = {}, limitSeconds = Infinity }) {
  mkdirSync(join(ROOT, '.qpvo', 'log'), { recursive: true });
  const logPath = join('.qpvo', 'log', `${name}.log`);
  const log = createWriteStream(join(ROOT, logPath));
  log.write(`$ ${command.join(' ')}\n`);
  const started = Date.now();
  process.stdout.write(`qpvo: ${title} ... `);
  const { ending, text } = await runIntoLog(command, env, log, limitSeconds);
  await new Promise((done) => log.end(done));
  const seconds = ((Date.now() - started) / 1000).toFixed(0);
  process.stdout.write(ending === 'ok' ? `done in ${seconds} s\n` : 'failed\n');
  if (ending === 'ok') return text;
  const logTail = text.trimEnd().split('\n').slice(-TAIL_LINES).join('\n');
  throw new StepError({ what: `${title} failed (${ending})`, logTail, logPath, advice });
}

function runIntoLog(command, env, log, limitSeconds) {
  return new Promise((resolve) => {
    let text = '';
    const child = spawn(command[0], command.slice(1), {
      cwd: ROOT,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const take = (chunk) => {
      log.write(chunk);
      text = (text + chunk).slice(-20000);
    };
    child.stdout.on('data', take);
    child.stderr.on('data', take);
    const end = (ending) => {
      clearTimeout(timer);
      resolve({ ending, text });
    };
    const stop = () => {
      child.kill('SIGKILL');
      // A process that the command started may hold the pipes open.
      for (const stream of [child.stdout, child.stderr]) stream.destroy();
      end(`not done after ${limitSeconds} s`);
    };
    const timer = Number.isFinite(limitSeconds) ? setTimeout(stop, limitSeconds * 1000) : undefined;
    child.on('error', (error) => end(error.message));
    child.on('close', (code, signal) => end(code === 0 ? 'ok' : signal ? `signal ${signal}` : `exit code ${code}`));
  });
}
