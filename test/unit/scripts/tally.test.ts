// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

interface Tally {
  passed: number;
  failed: number;
  skipped: number;
  running: string;
  ended: boolean;
}

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const { readTally } = (await import(join(ROOT, 'scripts/jobs/tally.mjs'))) as { readTally: (path: string) => Tally };

/** Runs mocha with the project's reporter over one made-up test file. */
function runTests(folder: string, source: string): { output: string; tally: Tally } {
  const file = join(folder, 'made-up.test.cjs');
  const log = join(folder, 'log.ndjson');
  writeFileSync(file, source);
  const mocha = join(ROOT, 'node_modules/mocha/bin/mocha.js');
  const reporter = join(ROOT, 'scripts/reporter/loudReporter.cjs');
  const { stdout } = spawnSync(process.execPath, [mocha, '--no-config', '--no-package', '--reporter', reporter, file], {
    cwd: folder,
    encoding: 'utf8',
    env: { ...process.env, QPVO_TEST_LOG: log },
  });
  return { output: stdout, tally: readTally(log) };
}

describe('the tally of a test run', () => {
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'qpvo tally '));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('counts passed, failed and skipped tests, and lists every skip with what it printed', () => {
    const { output, tally } = runTests(
      folder,
      `describe('a', () => {
        it('passes', () => { console.log('not a reason'); });
        it('fails', () => { throw new Error('no'); });
        it('skips itself', function () { console.log('needs a recording'); this.skip(); });
        it.skip('is marked', () => {});
        describe('b', () => {
          before(function () { console.warn('needs a browser'); this.skip(); });
          it('one', () => {});
          it('two', () => {});
        });
      });`,
    );
    assert.deepEqual(tally, { passed: 1, failed: 1, skipped: 4, running: '', ended: true });
    const list = output
      .slice(output.indexOf('SKIPPED 4:'))
      .split('\n')
      .map((line) => line.trim());
    assert.deepEqual(list.slice(1, 9), [
      '- a skips itself',
      'needs a recording',
      '- a is marked',
      'no reason printed',
      '- a b one',
      'needs a browser',
      '- a b two',
      'needs a browser',
    ]);
  });

  it('knows which test was running when the process died', () => {
    const { tally } = runTests(
      folder,
      `it('passes', () => {}); it('dies', () => process.kill(process.pid, 'SIGKILL'));`,
    );
    assert.deepEqual(tally, { passed: 1, failed: 0, skipped: 0, running: 'dies', ended: false });
  });

  it('is empty and not ended when no test ran', () => {
    assert.deepEqual(readTally(join(folder, 'absent')), {
      passed: 0,
      failed: 0,
      skipped: 0,
      running: '',
      ended: false,
    });
  });
});
