// SPDX-License-Identifier: MIT
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { nearestName } from '../config/nearestName.ts';
import { QpvoError } from '../error.ts';
import { MANIFEST_FILE } from '../network/manifest.ts';
import { packageRoot } from '../packageRoot.ts';

/** Names of the models that come with the package. */
export async function listModels(): Promise<string[]> {
  const folder = join(packageRoot(), 'models');
  if (!existsSync(folder)) return [];
  return (await readdir(folder)).filter((name) => existsSync(join(folder, name, MANIFEST_FILE))).sort();
}

/**
 * Folder of a model given by its name, or by its folder.
 *
 * @throws QpvoError QPVO_USAGE when there is none, QPVO_MODEL when the folder is there but holds no model
 */
export async function findModelFolder(nameOrFolder: string): Promise<string> {
  const named = join(packageRoot(), 'models', nameOrFolder);
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
  const present = await listModels();
  const nearest = nearestName(nameOrFolder, present);
  throw new QpvoError('QPVO_USAGE', {
    what: `unknown model "${nameOrFolder}"`,
    expected: `${present.join(', ')}${present.length > 0 ? ', or ' : ''}a folder with a ${MANIFEST_FILE}`,
    advice: nearest === undefined ? 'Make one from trained weights with qpvo import.' : `Did you mean ${nearest}?`,
  });
}
