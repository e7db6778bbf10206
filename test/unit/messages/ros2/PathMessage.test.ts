// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { encodePath, PathMessage } from '../../../../src/messages/ros2/encode.ts';
import { FRAMES, samplePath } from '../../../fixtures/ros2/rosSamples.ts';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

describe('PathMessage', () => {
  for (const frame of [...FRAMES, 'ab', 'abc', 'abcde', 'a'.repeat(300)]) {
    it(`says at every length what encodePath says, sliding when full: frame "${frame.slice(0, 30)}"`, () => {
      for (const maxPoses of [1, 2, 3, 7, 64, 65]) {
        const path = new PathMessage(frame, maxPoses);
        assert.equal(hex(path.encode(5n)), hex(encodePath(5n, frame, [])));
        const poses = samplePath(4 * maxPoses + 3);
        poses.forEach((pose, i) => {
          path.add(pose.stampNs, pose);
          if (i % 3 === 2 && maxPoses > 2) return;
          const kept = poses.slice(Math.max(0, i + 1 - maxPoses), i + 1);
          assert.equal(hex(path.encode(pose.stampNs)), hex(encodePath(pose.stampNs, frame, kept)), `${maxPoses}: ${i}`);
          assert.equal(path.length, kept.length);
        });
      }
    });
  }

  it('is a message also while it is empty, and may be encoded twice', () => {
    const path = new PathMessage('odom', 3);
    assert.equal(hex(path.encode(1n)), hex(encodePath(1n, 'odom', [])));
    const poses = samplePath(2);
    for (const pose of poses) path.add(pose.stampNs, pose);
    assert.equal(hex(path.encode(1n)), hex(encodePath(1n, 'odom', poses)));
    assert.equal(hex(path.encode(2n)), hex(encodePath(2n, 'odom', poses)));
  });

  it('keeps stamps before 1970 as oldest pose', () => {
    const path = new PathMessage('odom', 2);
    const poses = samplePath(3).map((pose, i) => ({ ...pose, stampNs: BigInt(i) - 2n }));
    for (const pose of poses) path.add(pose.stampNs, pose);
    assert.equal(hex(path.encode(0n)), hex(encodePath(0n, 'odom', poses.slice(1))));
  });

  it('a stamp that cannot be written changes nothing', () => {
    const path = new PathMessage('odom', 2);
    const poses = samplePath(2);
    for (const pose of poses) path.add(pose.stampNs, pose);
    assert.throws(() => path.add(2n ** 62n, poses[0]!), { code: 'QPVO_OUTPUT' });
    assert.equal(hex(path.encode(0n)), hex(encodePath(0n, 'odom', poses)));
  });

  it('refuses a size that is no number of poses', () => {
    for (const maxPoses of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
      assert.throws(() => new PathMessage('odom', maxPoses), { code: 'QPVO_PARAMETER' });
    }
  });
});
