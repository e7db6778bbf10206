// SPDX-License-Identifier: MIT
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../setup/root.mjs';

/** Lets bin/qpvo_node start the program in this folder, so that a change needs `npm run build` only. */
export function linkSource(share) {
  mkdirSync(share, { recursive: true });
  writeFileSync(join(share, 'source'), `${ROOT}\n`);
}

export function unlinkSource(share) {
  rmSync(join(share, 'source'), { force: true });
}
