// SPDX-License-Identifier: MIT
import { QpvoError } from '../src/error.ts';

/**
 * A document with the block between its markers exchanged.
 *
 * @param name of the markers, `<!-- name: begin -->` and `<!-- name: end -->`
 * @throws QpvoError QPVO_INTERNAL without them
 */
export function replaceBlock(document: string, name: string, block: string): string {
  const [first, last] = [`<!-- ${name}: begin -->`, `<!-- ${name}: end -->`];
  const [begin, end] = [document.indexOf(first), document.indexOf(last)];
  if (begin < 0 || end < begin) {
    throw new QpvoError('QPVO_INTERNAL', {
      what: `the document has no place for the table of ${name}`,
      expected: `${first} and, after it, ${last}`,
      advice: 'Add the two lines.',
    });
  }
  return `${document.slice(0, begin + first.length)}\n${block.trim()}\n${document.slice(end)}`;
}
