// SPDX-License-Identifier: MIT
// Mocha loads reporters with require(), hence CommonJS.
const { appendFileSync } = require('node:fs');
const { reporters } = require('mocha');
const { watchConsole } = require('./watchConsole.cjs');

/**
 * The spec reporter, and after it a list of every skipped test with its reason: the last line that the test, or the hook which skipped it, printed. Also
 * appends each outcome to the file QPVO_TEST_LOG (format: scripts/jobs/tally.mjs).
 */
module.exports = class LoudReporter extends reporters.Spec {
  constructor(runner, options) {
    super(runner, options);
    const log = process.env.QPVO_TEST_LOG;
    const note = (event) => log && appendFileSync(log, `${JSON.stringify(event)}\n`);
    const skipped = [];
    const printed = watchConsole();
    const hookNotes = new Map();

    runner.on('hook', () => printed.forget());
    runner.on('hook end', (hook) => hookNotes.set(hook.parent, printed.lastLine() ?? hookNotes.get(hook.parent)));
    runner.on('test', (test) => {
      printed.forget();
      note({ start: test.fullTitle() });
    });
    runner.on('pass', () => note({ outcome: 'passed' }));
    runner.on('fail', () => note({ outcome: 'failed' }));
    runner.on('pending', (test) => {
      const reason = printed.lastLine() ?? hookNoteOf(test, hookNotes) ?? 'no reason printed';
      skipped.push(`${test.fullTitle()}\n      ${reason}`);
      note({ outcome: 'skipped' });
    });
    runner.on('test end', () => printed.forget());
    runner.once('end', () => {
      note({ end: true });
      if (skipped.length > 0) console.log(`  SKIPPED ${skipped.length}:\n    - ${skipped.join('\n    - ')}\n`);
    });
  }
};

/** What the nearest suite's hooks printed. */
function hookNoteOf(test, hookNotes) {
  for (let suite = test.parent; suite; suite = suite.parent) {
    if (hookNotes.get(suite)) return hookNotes.get(suite);
  }
  return undefined;
}
