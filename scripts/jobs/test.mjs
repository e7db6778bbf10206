// SPDX-License-Identifier: MIT
import { join } from 'node:path';
import { attachedCommand } from '../setup/attachedCommand.mjs';
import { ROOT } from '../setup/root.mjs';
import { TSC } from '../setup/typescript.mjs';
import { talliedCommand } from './talliedCommand.mjs';
import { trainingTests } from './trainingTests.mjs';

const ALL_TESTS = 'test/**/*.test.ts';
const BIN = join(ROOT, 'node_modules');
const CHECKS = [
  { title: 'format and lint', command: [join(BIN, '@biomejs', 'biome', 'bin', 'biome'), 'check', '.'] },
  { title: 'types', command: [TSC, '-p', 'tsconfig.json'] },
];

/**
 * Format, lint, types, then the tests: all of them, those of training/ included, or those of the *.test.ts files in `rest`, which goes to mocha (as --grep
 * does). The last line of the output is the tally of the tests. A static check that fails, and a test process that ended early, count as one failure each.
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
  const tallies = [await runMocha(rest)];
  if (rest.length === 0) tallies.push(await trainingTests());
  const total = (outcome) => tallies.reduce((sum, tally) => sum + tally[outcome], 0);
  const failed = total('failed') + failedChecks;
  console.log(`${total('passed')} passed, ${failed} failed, ${total('skipped')} skipped`);
  return failed === 0 ? 0 : 1;
}

function runMocha(rest) {
  const mocha = join(BIN, 'mocha', 'bin', 'mocha.js');
  const reporter = join(ROOT, 'scripts', 'reporter', 'loudReporter.cjs');
  const files = rest.some((argument) => argument.endsWith('.test.ts')) ? [] : [ALL_TESTS];
  return talliedCommand([process.execPath, mocha, '--reporter', reporter, ...files, ...rest], 'tests');
}
