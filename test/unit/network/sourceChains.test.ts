// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { QpvoError } from '../../../src/error.ts';
import { sourceChains } from '../../../src/network/sourceChains.ts';

const table = (source: number[], previous: number[], next: number[]) => ({
  count: source.length,
  source: Int32Array.from(source),
  previous: Int32Array.from(previous),
  next: Int32Array.from(next),
});

describe('chains of pairs of one source', () => {
  it('follow the neighbours and come longest first', () => {
    assert.deepEqual(sourceChains(table([7, 3, 7, 7], [2, -1, -1, 0], [3, -1, 0, -1])), [[2, 0, 3], [1]]);
  });

  it('count limits the pairs', () => {
    assert.deepEqual(sourceChains({ ...table([1, 2, 9], [-1, -1, -1], [-1, -1, -1]), count: 2 }), [[0], [1]]);
  });

  it('none for no pairs', () => {
    assert.deepEqual(sourceChains(table([], [], [])), []);
  });

  const broken: [string, ReturnType<typeof table>][] = [
    ['a ring without a first pair', table([1, 1], [1, 0], [1, 0])],
    ['a ring behind a first pair', table([1, 1, 1], [-1, 0, 1], [1, 2, 1])],
    ['a neighbour of another source', table([1, 2], [-1, 0], [1, -1])],
    ['a neighbour outside the table', table([1], [-1], [5])],
    ['two chains of one source', table([1, 1], [-1, -1], [-1, -1])],
  ];
  for (const [name, pairs] of broken) {
    it(`${name} is refused`, () => {
      assert.throws(
        () => sourceChains(pairs),
        (error) => error instanceof QpvoError && error.code === 'QPVO_INTERNAL',
      );
    });
  }
});
