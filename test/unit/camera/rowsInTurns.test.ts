// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { performance } from 'node:perf_hooks';
import { rowsInTurns } from '../../../src/camera/rowsInTurns.ts';

function busyFor(ms: number): void {
  const end = performance.now() + ms;
  while (performance.now() < end);
}

describe('work in turns', () => {
  it('does every row once, in order', async () => {
    const rows: number[] = [];
    await rowsInTurns(40, (row) => {
      busyFor(0.2);
      rows.push(row);
    });
    assert.deepEqual(
      rows,
      Array.from({ length: 40 }, (_, i) => i),
    );
  });

  it('lets others have their turn every few rows', async () => {
    let done = false;
    let turns = 0;
    const count = () => {
      turns++;
      if (!done) setImmediate(count);
    };
    setImmediate(count);
    await rowsInTurns(60, () => busyFor(1));
    done = true;
    assert.ok(turns >= 10, `${turns} turns in 60 ms of work`);
  });

  it('does nothing without rows, and rejects with what a row throws', async () => {
    await rowsInTurns(0, () => assert.fail());
    await assert.rejects(
      rowsInTurns(3, (row) => assert.notEqual(row, 2)),
      assert.AssertionError,
    );
  });
});
