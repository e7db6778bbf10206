// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { lowerMedian, medianFlow } from '../../../src/odometry/median.ts';
import { random } from '../../native/makeOps.ts';

describe('lower median', () => {
  it('is the middle value, or the lower of the two in the middle', () => {
    assert.equal(lowerMedian([Float32Array.of(3, 1, 2)]), 2);
    assert.equal(lowerMedian([Float32Array.of(4, 1, 3, 2)]), 2);
    assert.equal(lowerMedian([Float32Array.of(-5)]), -5);
    assert.equal(lowerMedian([Float32Array.of(10, 9)]), 9);
  });

  it('is taken over all arrays together, and does not reorder them', () => {
    const arrays = [Float32Array.of(9, 1), new Float32Array(0), Float32Array.of(5)];
    assert.equal(lowerMedian(arrays), 5);
    assert.deepEqual(arrays[0], Float32Array.of(9, 1));
  });

  it('sorts by value, not as text', () => assert.equal(lowerMedian([Float32Array.of(100, 20, 3)]), 20));

  it('of nothing is 0', () => {
    assert.equal(lowerMedian([]), 0);
    assert.equal(lowerMedian([new Float32Array(0)]), 0);
  });

  it('has at least half of the values on either side', () => {
    const next = random(2);
    for (let n = 1; n < 60; n++) {
      const values = Float32Array.from({ length: n }, () => Math.floor(10 * next()));
      const median = lowerMedian([values]);
      assert.ok(values.includes(median));
      assert.ok(values.filter((v) => v <= median).length >= n / 2);
      assert.ok(values.filter((v) => v < median).length < n / 2);
    }
  });
});

describe('median flow', () => {
  it('is the lower median of the lengths', () => {
    assert.equal(medianFlow(Float32Array.of(3, 4, 0, 1, 0, 0)), 1);
    assert.equal(medianFlow(Float32Array.of(-3, 4, 0, 100)), 5);
  });
});
