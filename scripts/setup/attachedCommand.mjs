// SPDX-License-Identifier: MIT
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { ROOT } from './root.mjs';

/**
 * Runs a command on this terminal and resolves with its exit code (128 + number for a signal). Ctrl-C reaches the command through the terminal, so this
 * process only waits for it to end in its own way; SIGTERM is passed on.
 */
export function attachedCommand(command, env = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command[0], command.slice(1), { cwd: ROOT, stdio: 'inherit', env: { ...process.env, ...env } });
    const wait = () => {};
    const pass = () => child.kill('SIGTERM');
    process.on('SIGINT', wait).on('SIGTERM', pass);
    child.on('error', reject);
    child.on('close', (code, signal) => {
      process.off('SIGINT', wait).off('SIGTERM', pass);
      resolve(signal ? 128 + constants.signals[signal] : code);
    });
  });
}
