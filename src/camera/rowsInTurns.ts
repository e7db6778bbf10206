// SPDX-License-Identifier: MIT
import { performance } from 'node:perf_hooks';
import { setImmediate as nextTurn } from 'node:timers/promises';

/** The event loop is held up for this long, milliseconds, and by one row more. */
const TURN_MS = 2;

/** Does the work of each row 0..height-1 in order; between rows others get their turn on this thread. */
export async function rowsInTurns(height: number, work: (row: number) => void): Promise<void> {
  let from = performance.now();
  for (let row = 0; row < height; row++) {
    work(row);
    if (performance.now() - from < TURN_MS) continue;
    await nextTurn();
    from = performance.now();
  }
}
