// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import {
  readClock,
  readDiagnostics,
  readOdometry,
  readOdometryStatus,
  readPath,
  readPointCloud,
  readTransforms,
  readTwist,
  type TwistType,
} from '../../../../src/messages/ros2/encode.ts';
import { readCameraInfo, readCompressedImage, readImage } from '../../../../src/messages/sensorMessages.ts';
import {
  ENCODED,
  FRAMES,
  POINTS,
  STAMP_NS,
  STATUS,
  STATUS_FIRST,
  STATUSES,
  sampleCameraInfo,
  sampleOdometry,
  samplePath,
  TRANSFORMS,
} from '../../../fixtures/ros2/rosSamples.ts';

const fixture = new URL('../../../fixtures/ros2/messages.json', import.meta.url);
const { messages } = JSON.parse(readFileSync(fixture, 'utf8')) as { messages: Record<string, string> };

/** Serialized by ROS 2, by name. */
function fromRos(name: string): Uint8Array {
  const hex = messages[name];
  assert.ok(hex !== undefined, `messages.json holds "${name}"`);
  return Uint8Array.from(Buffer.from(hex, 'hex'));
}

describe('ROS 2 messages: bytes', () => {
  for (const [name, bytes, by] of ENCODED) {
    it(`${name}${by ? ` by ${by}` : ''}: the bytes that ROS 2 writes`, () => {
      assert.equal(Buffer.from(bytes).toString('hex'), Buffer.from(fromRos(name)).toString('hex'));
    });
  }

  it('every message in the fixture is compared or read', () => {
    const read = Object.keys(messages).filter((name) => name.startsWith('twist '));
    assert.deepEqual(Object.keys(messages).sort(), [...new Set([...ENCODED.map(([name]) => name), ...read])].sort());
  });
});

describe('ROS 2 messages: reading what ROS 2 writes', () => {
  for (const frame of FRAMES) {
    it(`in frame "${frame}"`, () => {
      assert.deepEqual(readOdometry(fromRos(`odometry ${frame}`)), sampleOdometry(frame, 'base_link'));
      assert.deepEqual(readPath(fromRos(`path 5 ${frame}`)), {
        stampNs: 7_000_000_008n,
        frame,
        poses: samplePath(5).map((pose) => ({ ...pose, frame })),
      });
      assert.deepEqual(readPointCloud(fromRos(`points ${frame}`)), { stampNs: 5n, frame, points: POINTS });
      const { data, ...image } = readImage(fromRos(`image ${frame}`), 'cdr');
      assert.deepEqual([...data], [0, 1, 2, 3, 4, 5, 6, 7]);
      assert.deepEqual(
        [image.header.frameId, image.width, image.height, image.encoding, image.step],
        [frame, 3, 2, 'mono8', 4],
      );
      assert.equal(readCompressedImage(fromRos(`compressed ${frame}`), 'cdr').format, 'jpeg');
      const twist = { stampNs: 15n, frame, twist: [0.1, 0.2, 0.3, -0.4, -0.5, -0.6] };
      assert.deepEqual(readTwist(fromRos(`twist ${frame}`), 'geometry_msgs/msg/TwistStamped'), twist);
      const withCovariance = fromRos(`twist with covariance ${frame}`);
      assert.deepEqual(readTwist(withCovariance, 'geometry_msgs/msg/TwistWithCovarianceStamped'), twist);
    });
  }

  it('transforms, with stamps at both ends of 32 bits and names that are not ASCII', () => {
    assert.deepEqual(readTransforms(fromRos('transforms two')), TRANSFORMS);
    assert.deepEqual(readTransforms(fromRos('transforms none')), []);
  });

  it('diagnostics', () => {
    assert.deepEqual(readDiagnostics(fromRos('diagnostics')), { stampNs: 9n, statuses: STATUSES });
  });

  it('clock, also before 1970', () => {
    assert.equal(readClock(fromRos('clock')), STAMP_NS);
    assert.equal(readClock(fromRos('clock negative')), -1_500_000_000n);
  });

  it('camera info', () => {
    const { d, k, r, p } = sampleCameraInfo([-0.28, 0.07, 0.0002, 0.00002, 0]);
    const read = readCameraInfo(fromRos('camera info'), 'cdr');
    assert.deepEqual([read.d, read.k, read.r, read.p], [d, k, r, p]);
    assert.deepEqual(readCameraInfo(fromRos('camera info undistorted'), 'cdr').d, []);
  });

  it('the status of this package', () => {
    assert.deepEqual(readOdometryStatus(fromRos('status')), STATUS);
    assert.deepEqual(readOdometryStatus(fromRos('status first')), STATUS_FIRST);
  });

  it('every cut is refused with a message', () => {
    const twistType: TwistType = 'geometry_msgs/msg/TwistStamped';
    const readers: [string, (message: Uint8Array) => unknown][] = [
      ['odometry odom', readOdometry],
      ['path 2 odom', readPath],
      ['points odom', readPointCloud],
      ['transforms two', readTransforms],
      ['diagnostics', readDiagnostics],
      ['status', readOdometryStatus],
      ['clock', readClock],
      ['twist odom', (message) => readTwist(message, twistType)],
    ];
    for (const [name, read] of readers) {
      const bytes = fromRos(name);
      // The last byte of a cloud, is_dense, is not read.
      const end = name.startsWith('points') ? bytes.length - 1 : bytes.length;
      for (let length = 0; length < end; length++) {
        assert.throws(() => read(bytes.subarray(0, length)), { code: 'QPVO_SOURCE_CORRUPT' }, `${name}: ${length}`);
      }
    }
  });

  it('a count beyond the message is refused without allocating it', () => {
    const bytes = fromRos('transforms two');
    new DataView(bytes.buffer).setUint32(4, 0xffffffff, true);
    assert.throws(() => readTransforms(bytes), { code: 'QPVO_SOURCE_CORRUPT' });
  });
});
