// SPDX-License-Identifier: MIT
import { existsSync, readdirSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { nearestName } from '../config/nearestName.ts';
import { QpvoError } from '../error.ts';
import { packageRoot } from '../packageRoot.ts';
import { MANIFEST_FILE } from './manifest.ts';

const modelsFolder = (): string => join(packageRoot(), 'models');

/** Names of the models that come with the package. */
export function listModels(): string[] {
  const folder = modelsFolder();
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => existsSync(join(folder, name, MANIFEST_FILE)))
    .sort();
}

/**
 * Folder of a model given by its name, or by its folder.
 *
 * @throws QpvoError QPVO_USAGE when there is none, QPVO_MODEL when the folder is there but holds no model
 */
export function findModelFolder(nameOrFolder: string): string {
  const named = join(modelsFolder(), nameOrFolder);
  const folder = [named, nameOrFolder].find((candidate) => existsSync(join(candidate, MANIFEST_FILE)));
  if (folder !== undefined) return folder;
  const incomplete = [named, nameOrFolder].find((candidate) => nameOrFolder !== '' && existsSync(candidate));
  if (incomplete !== undefined) {
    throw new QpvoError('QPVO_MODEL', {
      what: `${incomplete} is no model`,
      expected: `a folder with a ${MANIFEST_FILE}`,
      received: 'none in it',
      advice: 'Make a model from trained weights with qpvo import.',
    });
  }
  const present = listModels();
  const nearest = nearestName(nameOrFolder, present);
  throw new QpvoError('QPVO_USAGE', {
    what: `unknown model "${nameOrFolder}"`,
    expected: `${present.join(', ')}${present.length > 0 ? ', or ' : ''}a folder with a ${MANIFEST_FILE}`,
    advice: nearest === undefined ? 'Make one from trained weights with qpvo import.' : `Did you mean ${nearest}?`,
  });
}

/** What names a model on a command line, wherever that is typed: the folder's name for a model of the package, else its path. */
export function modelArgument(folder: string): string {
  const path = resolve(folder);
  return dirname(path) === modelsFolder() ? basename(path) : path;
}
