// SPDX-License-Identifier: MIT
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { parse } from 'yaml';
import { messageOf, QpvoError } from '../error.ts';
import { packageRoot } from '../packageRoot.ts';
import { nearestName } from './nearestName.ts';
import { checkProfile, type Profile } from './Profile.ts';

export const PROFILE_FOLDER: string = join(packageRoot(), 'config', 'profiles');

/** Names of the profiles that come with the package. */
export function listProfiles(): string[] {
  return readdirSync(PROFILE_FOLDER)
    .filter((file) => file.endsWith('.yaml'))
    .map((file) => basename(file, '.yaml'))
    .sort();
}

/**
 * Reads a profile by name, or by path when it ends in .yaml. Whether it can run here is another question: profileObstacle.
 *
 * @throws QpvoError QPVO_USAGE when there is none of that name, QPVO_PROFILE when the file cannot be read or is no profile
 */
export function readProfile(nameOrPath: string): Profile {
  const isPath = nameOrPath.endsWith('.yaml') || nameOrPath.endsWith('.yml');
  if (!isPath) refuseUnknown(nameOrPath);
  const path = isPath ? nameOrPath : join(PROFILE_FOLDER, `${nameOrPath}.yaml`);
  const name = basename(path).replace(/\.ya?ml$/, '');
  let document: unknown;
  try {
    document = parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new QpvoError('QPVO_PROFILE', {
      what: `cannot read the profile ${path}`,
      expected: 'a readable YAML file',
      received: messageOf(error).split('\n')[0] ?? '',
      advice: `Profiles of the package: ${listProfiles().join(', ')}.`,
      cause: error,
    });
  }
  return checkProfile(name, path, document);
}

function refuseUnknown(name: string): void {
  const present = listProfiles();
  if (present.includes(name)) return;
  const nearest = nearestName(name, present);
  throw new QpvoError('QPVO_USAGE', {
    what: `unknown profile "${name}"`,
    expected: `auto, ${present.join(', ')}, or the path of a .yaml file`,
    ...(nearest === undefined ? {} : { advice: `Did you mean ${nearest}?` }),
  });
}
