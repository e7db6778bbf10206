// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { QpvoError } from '../../../src/error.ts';
import { rotate } from '../../../src/odometry/se3.ts';
import { poseFromNumbers } from '../../../src/ros/frames/poseFromNumbers.ts';
import { assertNear, assertSamePose, FORWARD } from './frames-geometry.ts';

describe('a transform in numbers', () => {
  it('reads a quaternion', () => {
    assert.deepEqual(poseFromNumbers([1, 2, 3, ...FORWARD]), { t: [1, 2, 3], q: FORWARD });
  });

  it('reads roll, pitch, yaw about fixed axes: the optical frame is -90, 0, -90 degrees', () => {
    const pose = poseFromNumbers([0.1, 0, 0.2, -Math.PI / 2, 0, -Math.PI / 2]);
    assertSamePose(pose, { t: [0.1, 0, 0.2], q: FORWARD });
    // Roll first, about x of the parent, then yaw about z of the parent: y -> z -> z.
    const { q } = poseFromNumbers([0, 0, 0, Math.PI / 2, 0, Math.PI / 2]);
    assertNear(rotate(q, [0, 1, 0]), [0, 0, 1]);
    // Pitch turns the nose down.
    assertNear(rotate(poseFromNumbers([0, 0, 0, 0, 0.3, 0]).q, [1, 0, 0]), [Math.cos(0.3), 0, -Math.sin(0.3)]);
  });

  for (const numbers of [
    [],
    [0, 0, 0],
    [0, 0, 0, 0, 0, 0, 0],
    [0, 0, 0, 0, 0, 0, 2],
    [0, 0, 0, 0, 0, 0, 1, 0],
    [0, 0, 0, 0, Number.NaN, 0],
    [Number.POSITIVE_INFINITY, 0, 0, 0, 0, 0],
    [0, 0, 0, -90, 0, -90],
  ]) {
    it(`refuses [${numbers.join(' ')}]`, () => {
      assert.throws(
        () => poseFromNumbers(numbers),
        (error) => error instanceof QpvoError && error.code === 'QPVO_PARAMETER' && /radians/.test(error.message),
      );
    });
  }
});
