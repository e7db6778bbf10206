#!/usr/bin/env node
// SPDX-License-Identifier: MIT
import { existsSync } from 'node:fs';

const main = new URL('../dist/cli/main.js', import.meta.url);
if (existsSync(main)) {
  await import(main.href);
} else {
  console.error('qpvo: the program is not built: expected dist/cli/main.js, but it is not there. Run `npm run build`.');
  process.exitCode = 1;
}
