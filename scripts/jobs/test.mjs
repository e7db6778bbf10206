// SPDX-License-Identifier: MIT
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { attachedCommand } from '../setup/attachedCommand.mjs';
import { ROOT } from '../setup/root.mjs';
import { TSC } from '../setup/typescript.mjs';
import { readTally } from './tally.mjs';

const ALL_TESTS = 'test/**/*.test.ts';
const BIN = join(ROOT, 'node_modules');
const CHECKS = [
  { title: 'format and lint', command: [join(BIN, '@biomejs', 'biome', 'bin', 'biome'), 'check', '.'] },
  { title: 'types', command: [TSC, '-p', 'tsconfig.json'] },
];

/**
 * Format, lint, types, then the tests: all of them, or those of the *.test.ts files in `rest`, which goes to mocha (as --grep does). The last line of the
 * output is the tally of the tests. A static check that fails, and a test process that ended early, count as one failure each.
 */
export async function test(rest) {
  let failedChecks = 0;
  for (const { title, command } of CHECKS) {
    console.log(`qpvo: checking ${title}`);
    if ((await attachedCommand([process.execPath, ...command])) !== 0) {
      failedChecks += 1;
      console.log(`qpvo: ${title} FAILED`);
    }
  }
  const tally = await runMocha(rest);
  const failed = tally.failed + failedChecks;
  console.log(`${tally.passed} passed, ${failed} failed, ${tally.skipped} skipped`);
  return failed === 0 ? 0 : 1;
}

async function runMocha(rest) {
  const log = join(ROOT, '.qpvo', 'log', 'tests.ndjson');
  mkdirSync(join(ROOT, '.qpvo', 'log'), { recursive: true });
  rmSync(log, { force: true });
  const mocha = join(BIN, 'mocha', 'bin', 'mocha.js');
  const reporter = join(ROOT, 'scripts', 'reporter', 'loudReporter.cjs');
  const files = rest.some((argument) => argument.endsWith('.test.ts')) ? [] : [ALL_TESTS];
  const command = [process.execPath, mocha, '--reporter', reporter, ...files, ...rest];
  const code = await attachedCommand(command, { QPVO_TEST_LOG: log });
  const tally = readTally(log);
  if (tally.ended && (code === 0 || tally.failed > 0)) return tally;
  const where = tally.running ? ` in the test "${tally.running}"` : '';
  console.log(`qpvo: the tests ended early with exit code ${code}${where}`);
  return { ...tally, failed: tally.failed + 1 };
}
