// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

type Found = { python?: string; reason?: string };
type Find = (options?: { env: Record<string, string>; environment: string; failure: string }) => Promise<Found>;

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const load = (file: string) => import(join(ROOT, 'scripts', file));
const { findTrainingPython } = (await load('setup/trainingPython.mjs')) as { findTrainingPython: Find };
const { loggedStep } = (await load('setup/loggedStep.mjs')) as { loggedStep: (step: object) => Promise<void> };
const { trainingTests } = (await load('jobs/trainingTests.mjs')) as {
  trainingTests: (find: Find) => Promise<{ passed: number; failed: number; skipped: number }>;
};

const HAS_ALL = 'exit 0';
const LACKS_TORCH = `echo "ModuleNotFoundError: No module named 'torch'" >&2; exit 1`;
/** Lacks torch itself; `-m venv <folder>` makes a Python in which `-m pip` does what `pip` says, and which has all modules afterwards. */
const makesEnvironment = (pip: string) => `
  [ "$2" = venv ] || { ${LACKS_TORCH}; }
  mkdir -p "$3/bin"
  cat > "$3/bin/python" <<'END'
#!/bin/sh
[ "$2" = pip ] || exec test -e "$(dirname "$0")/installed"
${pip}
END
  chmod +x "$3/bin/python"`;

/** A shell script at `path`. */
function script(path: string, text: string): string {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `#!/bin/sh\n${text}\n`, { mode: 0o755 });
  return path;
}

describe('the Python of the training tests', () => {
  let folder = '';
  let environment = '';
  let failure = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'qpvo python '));
    environment = join(folder, 'venv');
    failure = join(folder, 'state', 'failed.txt');
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  /** `python3` is the only Python on the path. */
  function find(python3: string, env: Record<string, string> = {}): Promise<Found> {
    script(join(folder, 'bin', 'python3'), python3);
    const path = `${join(folder, 'bin')}:/usr/bin:/bin`;
    return findTrainingPython({ env: { PATH: path, ...env }, environment, failure });
  }

  it('is the one that QPVO_PYTHON names', async () => {
    const named = script(join(folder, 'named'), HAS_ALL);
    script(join(environment, 'bin', 'python'), HAS_ALL);
    assert.deepEqual(await find(HAS_ALL, { QPVO_PYTHON: named }), { python: named });
  });

  it('is that of training/.venv when the one named lacks a module', async () => {
    const named = script(join(folder, 'named'), LACKS_TORCH);
    const own = script(join(environment, 'bin', 'python'), HAS_ALL);
    assert.deepEqual(await find(HAS_ALL, { QPVO_PYTHON: named }), { python: own });
  });

  it('is python3 when there is no other', async () => {
    assert.deepEqual(await find(HAS_ALL), { python: 'python3' });
  });

  it('is none where nobody asked to install one: the reason says what is missing and what to do', async () => {
    const { python, reason } = await find(LACKS_TORCH, { QPVO_PYTHON: join(folder, 'absent') });
    assert.equal(python, undefined);
    assert.match(reason ?? '', /absent: not found; python3: ModuleNotFoundError: No module named 'torch'\)/);
    assert.match(reason ?? '', /QPVO_SETUP_TRAINING=1 .*QPVO_PYTHON/);
    assert.ok(!existsSync(environment));
  });

  for (const env of [{ CI: 'true' }, { QPVO_SETUP_TRAINING: '1' }] as Record<string, string>[]) {
    it(`is installed when ${Object.entries(env)[0]!.join('=')}`, async () => {
      const pip = '[ "$PIP_RETRIES$3" = 0install ] && touch "$(dirname "$0")/installed"';
      assert.deepEqual(await find(makesEnvironment(pip), env), { python: join(environment, 'bin', 'python') });
    });
  }

  it('is none, and nothing stays behind, when the installation fails', async () => {
    const { python, reason } = await find(makesEnvironment('echo no index; exit 7'), { CI: 'true' });
    assert.equal(python, undefined);
    assert.equal(reason, 'installing what the training tests need into training/.venv failed (exit code 7).');
    assert.ok(!existsSync(environment));
  });

  it('is not installed again after a failure, until QPVO_SETUP_TRAINING=1 asks for it', async () => {
    const works = makesEnvironment('touch "$(dirname "$0")/installed"');
    await find(makesEnvironment('exit 7'), { CI: 'true' });
    const { python, reason } = await find(works, { CI: 'true' });
    assert.equal(python, undefined);
    assert.match(
      reason ?? '',
      /^an earlier run could not make .*failed \(exit code 7\)\. QPVO_SETUP_TRAINING=1, or removing .*failed\.txt, tries again$/,
    );
    assert.ok(!existsSync(environment));

    const own = join(environment, 'bin', 'python');
    assert.deepEqual(await find(works, { CI: 'true', QPVO_SETUP_TRAINING: '1' }), { python: own });
    rmSync(environment, { recursive: true });
    assert.deepEqual(await find(works, { CI: 'true' }), { python: own });
  });

  it('is none when python3 has no venv', async () => {
    const { reason } = await find('exit 1', { CI: 'true' });
    assert.equal(reason, 'making training/.venv failed (exit code 1).');
  });
});

describe('the training tests', () => {
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'qpvo pytest '));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const run = (pytest: string) => trainingTests(async () => ({ python: script(join(folder, 'python'), pytest) }));
  const note = (event: object) => `echo '${JSON.stringify(event)}' >> "$QPVO_TEST_LOG"`;
  const outcomes = ['passed', 'passed', 'skipped'].map((outcome) => note({ outcome }));

  it('give the tally of pytest', async () => {
    const { passed, failed, skipped } = await run([...outcomes, note({ end: true })].join('\n'));
    assert.deepEqual({ passed, failed, skipped }, { passed: 2, failed: 0, skipped: 1 });
  });

  it('fail when a test fails', async () => {
    const { failed } = await run([note({ outcome: 'failed' }), note({ end: true }), 'exit 1'].join('\n'));
    assert.equal(failed, 1);
  });

  it('fail when pytest ends early, or fails without a failed test', async () => {
    assert.equal((await run([...outcomes, 'exit 0'].join('\n'))).failed, 1);
    assert.equal((await run([note({ end: true }), 'exit 2'].join('\n'))).failed, 1);
  });

  it('count as one skipped test, with the reason, when no Python can run them', async () => {
    const printed: string[] = [];
    const { log } = console;
    console.log = (line: string) => printed.push(line);
    try {
      const tally = await trainingTests(async () => ({ reason: 'no torch' }));
      assert.deepEqual(tally, { passed: 0, failed: 0, skipped: 1 });
    } finally {
      console.log = log;
    }
    assert.deepEqual(printed, ['  SKIPPED 1:\n    - all tests of training/\n      no torch\n']);
  });
});

describe('a step of the set-up with a limit', () => {
  it('is killed when it takes longer', async () => {
    const started = Date.now();
    const command = ['sh', '-c', 'echo begun; sleep 30 & sleep 30'];
    await assert.rejects(loggedStep({ name: 'made-up', title: 'a slow step', command, limitSeconds: 0.5 }), {
      message: /^a slow step failed \(not done after 0\.5 s\)\.\n.*\n\n {4}begun/,
    });
    assert.ok(Date.now() - started < 10_000);
  });
});
