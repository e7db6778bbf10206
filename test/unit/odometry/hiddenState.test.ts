// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import type { OpsBuffers } from '../../../src/native/addon.ts';
import { HiddenState } from '../../../src/odometry/HiddenState.ts';

const STRIDE = 3;

function makeState(): { state: HiddenState; current: () => Float32Array; other: () => Float32Array } {
  const buffers = {
    hiddenA: new Float32Array(12),
    hiddenB: new Float32Array(12),
    correlationBytes: new Uint8Array(0),
  } as Partial<OpsBuffers> as OpsBuffers;
  const state = new HiddenState(buffers, STRIDE);
  return { state, current: () => state.batch(4).hiddenIn, other: () => state.batch(4).hiddenOut };
}

describe('hidden state of the pairs', () => {
  it('what an update wrote is what the next one reads', () => {
    const { state, current, other } = makeState();
    assert.notEqual(current(), other());
    other().fill(7);
    state.swap();
    assert.ok(current().every((v) => v === 7));
    assert.ok(other().every((v) => v === 0));
  });

  it('moves and clears whole pairs, of the buffer that is read next', () => {
    for (const swaps of [0, 1, 2]) {
      const { state, current, other } = makeState();
      for (let i = 0; i < swaps; i++) state.swap();
      current().set([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
      other().fill(-1);
      state.move(3, 1);
      assert.deepEqual([...current()], [1, 2, 3, 10, 11, 12, 7, 8, 9, 10, 11, 12]);
      state.clear(2, 2);
      assert.deepEqual([...current()], [1, 2, 3, 10, 11, 12, 0, 0, 0, 0, 0, 0]);
      state.clear(0, 0);
      assert.equal(current()[0], 1);
      assert.ok(other().every((v) => v === -1));
    }
  });

  it('an update of fewer pairs is told their number', () => {
    const { state } = makeState();
    assert.equal(state.batch(2).count, 2);
  });
});
