// SPDX-License-Identifier: MIT
import { spawnSync } from 'node:child_process';
import type { Check } from './Check.ts';
import { compareVersions } from './packageChecks.ts';

/** Tools that build the addon, with the oldest version that will do. */
const TOOLS: readonly (readonly [string, string | undefined])[] = [
  ['g++', '11'],
  ['cmake', '3.22'],
  ['make', undefined],
];

/** Build tools; once the addon is built, the odometry runs without them. */
export function checkTools(): Check[] {
  return TOOLS.map(([name, oldest]) => {
    const { error, status, stdout } = spawnSync(name, ['--version'], { encoding: 'utf8' });
    return toolCheck(name, oldest, error === undefined && status === 0 ? stdout : undefined);
  });
}

/** @param answer what `name --version` prints; undefined when there is no such tool */
export function toolCheck(name: string, oldest: string | undefined, answer: string | undefined): Check {
  if (answer === undefined) {
    return { name, status: 'warning', detail: `not found; needed to build the addon: apt-get install ${name}` };
  }
  const line = answer.split('\n')[0] ?? '';
  // The version of the distribution's package stands in parentheses.
  const version = /\d+(\.\d+)+/.exec(line.replace(/\([^)]*\)/g, ''))?.[0];
  if (oldest === undefined || (version !== undefined && compareVersions(version, oldest) >= 0)) {
    return { name, status: 'ok', detail: line };
  }
  const found = version === undefined ? `unknown version (${line})` : `${version} is older than ${oldest}`;
  return { name, status: 'warning', detail: `${found}; ${oldest} or newer is needed to build the addon` };
}
