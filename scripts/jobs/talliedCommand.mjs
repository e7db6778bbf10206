// SPDX-License-Identifier: MIT
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { attachedCommand } from '../setup/attachedCommand.mjs';
import { ROOT } from '../setup/root.mjs';
import { readTally } from './tally.mjs';

/**
 * Runs a command that notes the outcomes of its tests in the file QPVO_TEST_LOG, here .qpvo/log/<name>.ndjson, and resolves with their tally. A process that
 * ended early, or failed without a failed test, counts as one failure more.
 */
export async function talliedCommand(command, name) {
  const log = join(ROOT, '.qpvo', 'log', `${name}.ndjson`);
  mkdirSync(join(ROOT, '.qpvo', 'log'), { recursive: true });
  rmSync(log, { force: true });
  const code = await attachedCommand(command, { QPVO_TEST_LOG: log });
  const tally = readTally(log);
  if (tally.ended && (code === 0 || tally.failed > 0)) return tally;
  const where = tally.running ? ` in the test "${tally.running}"` : '';
  console.log(`qpvo: the tests ended early with exit code ${code}${where}`);
  return { ...tally, failed: tally.failed + 1 };
}
