// SPDX-License-Identifier: MIT
import { QpvoError } from '../error.ts';

/** Prints what went wrong: the message alone for an expected error, with the stack for a defect of the program; each of several. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof AggregateError) return Math.max(...error.errors.map(exitCodeOf));
  if (!(error instanceof QpvoError)) {
    console.error('qpvo: internal error');
    console.error(error);
    return 1;
  }
  console.error(`qpvo: ${error.message} [${error.code}]`);
  return error.code === 'QPVO_USAGE' || error.code === 'QPVO_PARAMETER' ? 2 : 1;
}
