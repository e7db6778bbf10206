// SPDX-License-Identifier: MIT
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { messageOf, QpvoError } from '../error.ts';
import { packageRoot } from '../packageRoot.ts';
import { type Addon, SURFACE } from './addon.ts';

const ADVICE = 'Run `npm run build` in the qpvo folder (it needs g++, cmake and make).';

/** Where the compiled addon lies. */
export function addonPath(): string {
  return process.env.QPVO_ADDON ?? join(packageRoot(), 'build', 'Release', 'qpvo.node');
}

/**
 * Loads the compiled addon.
 * @throws QPVO_ADDON when it was not built, cannot be loaded here, or was built from other sources than this package.
 */
export function loadAddon(path: string = addonPath()): Addon {
  if (!existsSync(path))
    throw new QpvoError('QPVO_ADDON', {
      what: 'the native addon is not built',
      expected: path,
      received: 'no such file',
      advice: ADVICE,
    });
  let addon: Addon;
  try {
    addon = createRequire(import.meta.url)(path) as Addon;
  } catch (error) {
    const what = 'the native addon cannot be loaded';
    throw new QpvoError('QPVO_ADDON', {
      what,
      expected: `an addon for ${process.platform} ${process.arch}`,
      received: messageOf(error),
      advice: ADVICE,
      cause: error,
    });
  }
  if (addon.surface !== SURFACE) {
    const received = `surface ${addon.surface}`;
    throw new QpvoError('QPVO_ADDON', {
      what: 'the native addon is stale',
      expected: `surface ${SURFACE}`,
      received,
      advice: ADVICE,
    });
  }
  return addon;
}
