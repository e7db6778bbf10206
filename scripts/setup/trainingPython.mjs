// SPDX-License-Identifier: MIT
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { loggedStep } from './loggedStep.mjs';
import { ROOT } from './root.mjs';

const MODULES = ['torch', 'numpy', 'scipy', 'cv2', 'yaml', 'matplotlib', 'safetensors', 'pytest'];
const PROBE = `import sys\nassert sys.version_info >= (3, 10), "Python 3.10 or newer is needed"\nimport ${MODULES.join(', ')}`;
const LIMIT_SECONDS = { probe: 60, environment: 60, packages: 300 };
/** Pip gives up at once where there is no index, and asks nothing. */
const PIP = { PIP_RETRIES: '0', PIP_DEFAULT_TIMEOUT: '10', PIP_NO_INPUT: '1', PIP_DISABLE_PIP_VERSION_CHECK: '1' };

/**
 * A Python that can run the training tests: QPVO_PYTHON, that of training/.venv, or python3, whichever is the first with all modules. In continuous
 * integration (CI=true), or when QPVO_SETUP_TRAINING=1 asks for it, training/.venv is made when there is none. A failure is remembered in the file
 * `failure`, and continuous integration does not try again while it is there; QPVO_SETUP_TRAINING=1 does.
 * Resolves with { python }, or with { reason } when there is none.
 */
export async function findTrainingPython({
  env = process.env,
  environment = join(ROOT, 'training', '.venv'),
  failure = join(ROOT, '.qpvo', 'training-venv-failed.txt'),
} = {}) {
  const own = join(environment, 'bin', 'python');
  const candidates = [env.QPVO_PYTHON, own, 'python3'].filter(Boolean);
  const problems = [];
  for (const python of candidates) {
    const problem = problemOf(python, env);
    if (problem === undefined) return { python };
    if (python !== own) problems.push(`${python}: ${problem}`);
  }
  if (!isOn(env.CI) && !isOn(env.QPVO_SETUP_TRAINING)) {
    const advice = 'QPVO_SETUP_TRAINING=1 installs PyTorch into training/.venv, QPVO_PYTHON names a Python that has it';
    return { reason: `no Python has ${MODULES.join(', ')} (${problems.join('; ')}); ${advice}` };
  }
  if (!isOn(env.QPVO_SETUP_TRAINING) && existsSync(failure)) return { reason: rememberedReason(failure) };
  const made = await makeEnvironment(environment, own, env);
  rmSync(failure, { force: true });
  if (made.reason !== undefined) {
    mkdirSync(dirname(failure), { recursive: true });
    writeFileSync(failure, `${made.reason}\n`);
  }
  return made;
}

function isOn(value) {
  return value === '1' || value === 'true';
}

function rememberedReason(failure) {
  const advice = `QPVO_SETUP_TRAINING=1, or removing ${relative(ROOT, failure)}, tries again`;
  return `an earlier run could not make training/.venv: ${readFileSync(failure, 'utf8').trim()} ${advice}`;
}

/** Undefined when this Python has all modules, else what it lacks. */
function problemOf(python, env) {
  const options = { encoding: 'utf8', env, timeout: LIMIT_SECONDS.probe * 1000 };
  const { error, status, stderr } = spawnSync(python, ['-c', PROBE], options);
  if (error) return error.code === 'ENOENT' ? 'not found' : error.message;
  return status === 0 ? undefined : stderr.trim().split('\n').at(-1);
}

/** Dependencies of training/pyproject.toml with those of its tests: the package itself is run from its folder, so nothing needs to be built. */
export function requirements() {
  const lines = readFileSync(join(ROOT, 'training', 'pyproject.toml'), 'utf8').split('\n');
  const listed = lines.filter((line) => /^(dependencies|test) = \[/.test(line));
  return listed.flatMap((line) => [...line.matchAll(/"([^"]+)"/g)].map((match) => match[1]));
}

async function makeEnvironment(environment, python, env) {
  const advice = 'The training tests are skipped; all else is tested.';
  try {
    await loggedStep({
      name: 'training-venv',
      title: 'making training/.venv',
      command: ['python3', '-m', 'venv', environment],
      env,
      limitSeconds: LIMIT_SECONDS.environment,
      advice,
    });
    await loggedStep({
      name: 'training-pip',
      title: 'installing what the training tests need into training/.venv',
      command: [python, '-m', 'pip', 'install', '--no-compile', '--only-binary=:all:', ...requirements()],
      env: { ...env, ...PIP },
      limitSeconds: LIMIT_SECONDS.packages,
      advice,
    });
  } catch (error) {
    console.log(error.message);
    rmSync(environment, { recursive: true, force: true });
    return { reason: error.message.split('\n')[0] };
  }
  const problem = problemOf(python, env);
  return problem === undefined ? { python } : { reason: `training/.venv cannot be used: ${problem}` };
}
