// SPDX-License-Identifier: MIT
import { attachedCommand } from '../setup/attachedCommand.mjs';

/** All benchmarks, or those that the arguments name, by `qpvo bench`. */
export function bench(rest) {
  return attachedCommand([process.execPath, 'bin/qpvo.js', 'bench', ...benchArguments(rest)]);
}

/** Without a name, all are meant. */
export function benchArguments(rest) {
  return rest.length === 0 || rest[0].startsWith('-') ? ['all', ...rest] : rest;
}
