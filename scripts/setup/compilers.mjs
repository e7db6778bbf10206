// SPDX-License-Identifier: MIT
import { spawnSync } from 'node:child_process';
import { loggedStep } from './loggedStep.mjs';
import { StepError } from './StepError.mjs';

const APT = ['install', '-y', '--no-install-recommends'];

/** What the addon is built with: how to ask for the version, the oldest that will do, and the Debian/Ubuntu package. */
const TOOLS = [
  { name: 'g++', ask: ['-dumpfullversion', '-dumpversion'], oldest: [11], why: 'C++20', apt: 'g++' },
  { name: 'cmake', ask: ['--version'], oldest: [3, 22], why: 'the build files', apt: 'cmake' },
  { name: 'make', ask: ['--version'], oldest: [3], why: 'cmake', apt: 'make' },
];

/** Makes sure that a C++20 compiler, cmake and make are there: installs them with apt-get when this is root, or says which line to run. */
export async function ensureCompilers() {
  let missing = TOOLS.filter((tool) => problemOf(tool));
  if (missing.length === 0) return;
  const packages = missing.map((tool) => tool.apt);
  if (process.getuid?.() !== 0 || !found('apt-get')) throw askForTools(missing, packages);
  await aptInstall(packages);
  missing = TOOLS.filter((tool) => problemOf(tool));
  if (missing.length > 0) throw askForTools(missing, packages);
}

/** Installs Debian packages; only for root. */
export async function aptInstall(packages) {
  const env = { DEBIAN_FRONTEND: 'noninteractive' };
  const advice = `Run this by hand to see more: apt-get update && apt-get ${APT.join(' ')} ${packages.join(' ')}`;
  await loggedStep({
    name: 'apt-update',
    title: 'updating the apt package lists',
    command: ['apt-get', 'update'],
    env,
    advice,
  });
  await loggedStep({
    name: 'apt-install',
    title: `installing ${packages.join(', ')} with apt-get`,
    command: ['apt-get', ...APT, ...packages],
    env,
    advice,
  });
}

function askForTools(missing, packages) {
  const install = found('apt-get')
    ? `Run this, then the same command again:\n\n    sudo apt-get update && sudo apt-get ${APT.join(' ')} ${packages.join(' ')}\n`
    : `Install ${packages.join(', ')} with the package manager of this system, then run the same command again.`;
  return new StepError({
    what: `The native addon cannot be built: ${missing.map(problemOf).join('; ')}`,
    advice: install,
  });
}

/** Undefined when the tool is there and new enough, else a clause that says what is wrong. */
function problemOf({ name, ask, oldest, why }) {
  const answer = spawnSync(name, ask, { encoding: 'utf8' });
  const needed = `${name} ${oldest.join('.')} or newer is needed for ${why}`;
  if (answer.error || answer.status !== 0) return `${needed}, but there is none`;
  const version = /\d+(\.\d+)*/.exec(answer.stdout)?.[0] ?? '0';
  const [major, minor = 0] = version.split('.').map(Number);
  const isOld = major < oldest[0] || (major === oldest[0] && minor < (oldest[1] ?? 0));
  return isOld ? `${needed}, but this is ${version}` : undefined;
}

function found(command) {
  return !spawnSync(command, ['--version'], { stdio: 'ignore' }).error;
}
