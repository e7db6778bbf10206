// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { driftOf, rangeOf } from '../../bench/hidden/HiddenRange.ts';

describe('range of the hidden state', () => {
  it('is the greatest magnitude and the root mean square; what is not finite is counted apart', () => {
    assert.deepEqual(rangeOf(Float32Array.of(3, -4)), { peak: 4, rms: Math.sqrt(12.5), bad: 0 });
    assert.deepEqual(rangeOf(Float32Array.of(3, Number.NaN, -4, Number.NEGATIVE_INFINITY)), {
      peak: 4,
      rms: Math.sqrt(12.5),
      bad: 2,
    });
    assert.deepEqual(rangeOf(new Float32Array(0)), { peak: 0, rms: 0, bad: 0 });
  });

  it('drifts by the medians of the last quarter and the second', () => {
    const steady = [9, 9, 1, 2, 3, 3, 2, 2];
    assert.deepEqual(driftOf(steady), { second: 1.5, last: 2, ratio: 4 / 3 });
    assert.equal(driftOf(Array.from({ length: 100 }, (_, n) => 1 + n / 100)).ratio > 1.3, true);
  });
});
