// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import {
  diagonalCovariance,
  encodeCameraInfo,
  encodeClock,
  encodeDiagnostics,
  encodeImage,
  encodeOdometry,
  encodePointCloud,
  encodePoseStamped,
  poseFromFields,
  readDiagnostics,
  readPointCloud,
  readTransforms,
  readTwist,
  type TwistType,
} from '../../../../src/messages/ros2/encode.ts';
import { POINTS, STATUSES, sampleCameraInfo, sampleOdometry, samplePose } from '../../../fixtures/ros2/rosSamples.ts';

describe('ROS 2 messages: what cannot be written or read', () => {
  it('an array of another length, which would move all that follows', () => {
    const message = sampleOdometry('odom', 'base_link');
    for (const poseCovariance of [[], [1, 2, 3, 4, 5, 6], new Float64Array(37)]) {
      assert.throws(() => encodeOdometry({ ...message, poseCovariance }), /pose\.covariance.*36 numbers/);
    }
    assert.throws(() => encodeCameraInfo({ ...sampleCameraInfo([]), r: [] }), { code: 'QPVO_INTERNAL' });
  });

  it('a stamp whose seconds need more than 32 bits', () => {
    const last = 2n ** 31n * 1_000_000_000n;
    for (const stampNs of [last, -last - 1n, 2n ** 63n]) {
      assert.throws(() => encodeClock(stampNs), { code: 'QPVO_OUTPUT' });
      assert.throws(() => encodePoseStamped('odom', { stampNs, ...samplePose(1) }), /does not fit.*seconds/);
    }
    assert.equal(encodeClock(last - 1n).length, 12);
    assert.equal(encodeClock(-last).length, 12);
  });

  it('a velocity of another type, by its name', () => {
    assert.throws(
      () => readTwist(new Uint8Array(100), 'geometry_msgs/msg/Twist' as TwistType),
      /geometry_msgs\/msg\/Twist"/,
    );
  });

  it('another byte order is read, another encapsulation refused', () => {
    const bigEndian = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0);
    assert.deepEqual(readTransforms(bigEndian), []);
    assert.throws(() => readTransforms(Uint8Array.of(0, 2, 0, 0, 0, 0, 0, 0)), /plain CDR/);
  });

  it('a cloud of another layout, an unknown diagnostic level', () => {
    const cloud = encodePointCloud(5n, 'odom', POINTS).slice();
    const nameAt = Buffer.from(cloud).indexOf('rgb');
    cloud[nameAt] = 'b'.charCodeAt(0);
    assert.throws(() => readPointCloud(cloud), /another layout.*bgb/);
    const wide = encodePointCloud(5n, 'odom', POINTS).slice();
    wide[4 + 8 + 4 + 5 + 3 + 4] = 3;
    assert.throws(() => readPointCloud(wide), { code: 'QPVO_SOURCE_CORRUPT' });
    const diagnostics = encodeDiagnostics(0n, STATUSES.slice(0, 1)).slice();
    diagnostics[4 + 8 + 4 + 1 + 3 + 4] = 9;
    assert.throws(() => readDiagnostics(diagnostics), /unknown level.*stale.*9/);
  });

  it('an image is copied out of the borrowed bytes, also out of the middle of a buffer', () => {
    const borrowed = new Uint8Array([9, 9, 1, 2, 3, 4, 9]).subarray(2, 6);
    const image = { stampNs: 1n, frame: 'cam', width: 2, height: 2, encoding: 'mono8', isBigEndian: false, step: 2 };
    const bytes = encodeImage({ ...image, data: borrowed });
    borrowed.fill(0xee);
    assert.deepEqual([...bytes.subarray(-4)], [1, 2, 3, 4]);
  });

  it('diagonal covariance: one value or six', () => {
    const ones = diagonalCovariance(9999);
    assert.deepEqual([ones[0], ones[7], ones[35], ones[1], ones.length], [9999, 9999, 9999, 0, 36]);
    const six = diagonalCovariance([1, 2, 3, 4, 5, 6]);
    assert.deepEqual(
      [0, 1, 2, 3, 4, 5].map((i) => six[7 * i]),
      [1, 2, 3, 4, 5, 6],
    );
    assert.equal(
      six.reduce((sum, value) => sum + value, 0),
      21,
    );
  });
});

describe('pose of a service request', () => {
  const position = { x: 1, y: -2, z: 0.5 };

  it('is taken, with its quaternion normalised', () => {
    const pose = poseFromFields({ position, orientation: { x: 0, y: 0, z: 0.603, w: 0.804 } });
    assert.deepEqual(pose.t, [1, -2, 0.5]);
    assert.ok(Math.abs(Math.hypot(...pose.q) - 1) < 1e-15 && Math.abs(pose.q[2] - 0.6) < 1e-12);
  });

  it('is refused when it is none', () => {
    for (const fields of [
      undefined,
      {},
      { position },
      { position, orientation: { x: 0, y: 0, z: 0, w: 0 } },
      { position, orientation: { x: 0, y: 0, z: 1, w: 1 } },
      { position, orientation: { x: 0, y: 0, z: 0, w: Number.NaN } },
      { position: { ...position, y: Number.POSITIVE_INFINITY }, orientation: { x: 0, y: 0, z: 0, w: 1 } },
      { position: { x: 1, y: 2 }, orientation: { x: 0, y: 0, z: 0, w: 1 } },
      { position: { ...position, x: '1' }, orientation: { x: 0, y: 0, z: 0, w: 1 } },
    ]) {
      assert.throws(() => poseFromFields(fields), { code: 'QPVO_PARAMETER' }, JSON.stringify(fields));
    }
  });
});
