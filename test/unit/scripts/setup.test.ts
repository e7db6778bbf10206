// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const load = (file: string) => import(join(ROOT, 'scripts', file));
const { explainOldNode } = (await load('setup/nodeVersion.mjs')) as {
  explainOldNode: (version: string) => string | undefined;
};
const { StepError } = (await load('setup/StepError.mjs')) as {
  StepError: new (parts: Record<string, string>) => Error;
};
const { loggedStep } = (await load('setup/loggedStep.mjs')) as { loggedStep: (step: object) => Promise<void> };

describe('the set-up', () => {
  for (const [version, isGood] of [
    ['20.20.0', true],
    ['20.20.2', true],
    ['22.1.0', true],
    ['20.19.9', false],
    ['18.20.4', false],
    ['9.0.0', false],
  ] as const) {
    it(`${isGood ? 'accepts' : 'refuses'} Node ${version}`, () => {
      const complaint = explainOldNode(version);
      if (isGood) assert.equal(complaint, undefined);
      else assert.match(complaint ?? '', new RegExp(`needs Node 20\\.20 or newer, but this is Node ${version}\\.`));
    });
  }

  it('shows what failed, the end of the log, where the log is, and what to do', () => {
    const { message } = new StepError({
      what: 'Building failed',
      logTail: 'one\ntwo',
      logPath: 'a.log',
      advice: 'Try again.',
    });
    assert.equal(
      message,
      'Building failed.\nLast lines of its output:\n\n    one\n    two\n\nThe whole output: a.log\nTry again.',
    );
  });

  it('stops at a command that fails, with its last lines', async () => {
    const command = [process.execPath, '-e', 'for (let i = 0; i < 100; i++) console.log("line", i); process.exit(3)'];
    await assert.rejects(
      loggedStep({ name: 'made-up', title: 'a made-up step', command, advice: 'Do this.' }),
      (error: Error) => {
        assert.match(error.message, /^a made-up step failed \(exit code 3\)\.\n/);
        assert.match(error.message, /line 99\n/);
        assert.doesNotMatch(error.message, /line 50\n/);
        assert.match(error.message, /Do this\.$/);
        return true;
      },
    );
  });

  it('ends with exit code 2 and a list of the jobs when the job is unknown', () => {
    const { status, stderr } = spawnSync(process.execPath, [join(ROOT, 'scripts/run.mjs'), 'toString'], {
      encoding: 'utf8',
    });
    assert.equal(status, 2);
    assert.match(stderr, /expected one of build, demo, test, bench, docs, but received toString/);
  });
});
