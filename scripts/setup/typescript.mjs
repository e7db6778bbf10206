// SPDX-License-Identifier: MIT
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { contentHash, isFresh, writeStamp } from './contentHash.mjs';
import { loggedStep } from './loggedStep.mjs';
import { ROOT } from './root.mjs';

const STAMP = 'dist/.qpvo-stamp';
export const TSC = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');

/** Compiles src/ into dist/ when a source changed since the last time. */
export async function ensureTypeScript() {
  const hash = contentHash(['src', 'tsconfig.json', 'tsconfig.build.json', 'package.json']);
  if (isFresh(STAMP, hash, 'dist/cli/main.js')) return;
  rmSync(join(ROOT, 'dist'), { recursive: true, force: true });
  await loggedStep({
    name: 'typescript',
    title: 'compiling TypeScript',
    command: [process.execPath, TSC, '-p', 'tsconfig.build.json'],
    advice: 'Mend what the compiler names, then run the same command again.',
  });
  writeStamp(STAMP, hash);
}
