// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import type { BagTopic } from '../../../src/sources/BagReader.ts';
import { cameraInfoTopicOf, chooseImageTopic } from '../../../src/sources/imageTopics.ts';

function topic(name: string, type: string, extra: Partial<BagTopic> = {}): BagTopic {
  return { topic: name, type, messageCount: 3, serialization: 'cdr', ...extra };
}

const RAW = topic('/cam/image_raw', 'sensor_msgs/msg/Image');
const PACKED = topic('/cam/image_raw/compressed', 'sensor_msgs/msg/CompressedImage');
const DEPTH = topic('/cam/depth/compressedDepth', 'sensor_msgs/msg/CompressedImage');
const RIGHT = topic('/right/image_raw', 'sensor_msgs/Image');
const IMU = topic('/imu', 'sensor_msgs/msg/Imu');
const INFO = topic('/cam/camera_info', 'sensor_msgs/msg/CameraInfo');

describe('choice of the image topic', () => {
  const chosen: [string, BagTopic[], string | undefined, string][] = [
    ['the only one', [IMU, RAW], undefined, '/cam/image_raw'],
    ['the only compressed one', [IMU, PACKED], undefined, '/cam/image_raw/compressed'],
    ['raw before compressed of the same camera', [PACKED, RAW], undefined, '/cam/image_raw'],
    [
      'compressed when its raw twin is empty',
      [PACKED, { ...RAW, messageCount: 0 }],
      undefined,
      '/cam/image_raw/compressed',
    ],
    ['not a compressed depth image', [DEPTH, RAW], undefined, '/cam/image_raw'],
    ['not an empty camera', [RAW, { ...RIGHT, messageCount: 0 }], undefined, '/cam/image_raw'],
    ['not one in an unknown serialization', [RAW, { ...RIGHT, serialization: undefined }], undefined, '/cam/image_raw'],
    ['the one asked for', [RAW, PACKED, RIGHT], '/cam/image_raw/compressed', '/cam/image_raw/compressed'],
    ['the one asked for without its slash', [RAW, RIGHT], 'right/image_raw', '/right/image_raw'],
  ];
  for (const [name, topics, wanted, expected] of chosen) {
    it(name, () => assert.equal(chooseImageTopic(topics, wanted, 'bag').topic, expected));
  }

  const refused: [string, BagTopic[], string | undefined, RegExp][] = [
    [
      'several cameras: both are listed, and --topic',
      [RAW, PACKED, RIGHT, IMU],
      undefined,
      /\/cam\/image_raw \(sensor_msgs\/msg\/Image\), \/right\/image_raw \(sensor_msgs\/Image\)\. .*--topic/,
    ],
    ['no image topic: all are listed', [IMU, INFO], undefined, /\/imu \(sensor_msgs\/msg\/Imu\), \/cam\/camera_info/],
    ['nothing at all', [], undefined, /no topic at all/],
    [
      'an unknown topic: all are listed with types',
      [RAW, IMU],
      '/cam1/image',
      /no topic \/cam1\/image.*\/imu \(sensor_msgs\/msg\/Imu\).*Image topics in it: \/cam\/image_raw/,
    ],
    [
      'a topic of another type',
      [RAW, IMU],
      '/imu',
      /\/imu of bag holds no readable images.*received sensor_msgs\/msg\/Imu/,
    ],
  ];
  for (const [name, topics, wanted, message] of refused) {
    it(name, () => assert.throws(() => chooseImageTopic(topics, wanted, 'bag'), { code: 'QPVO_TOPIC', message }));
  }
});

describe('choice of the camera_info topic', () => {
  it('is the one beside the image', () => assert.equal(cameraInfoTopicOf(RAW, [RAW, IMU, INFO]), INFO));
  it('is the one beside the raw image of a compressed one', () =>
    assert.equal(cameraInfoTopicOf(PACKED, [INFO]), INFO));
  it('may be below the image', () => {
    const below = topic('/cam/image_raw/camera_info', 'sensor_msgs/CameraInfo');
    assert.equal(cameraInfoTopicOf(RAW, [below]), below);
  });
  it('is none of another camera, of another type, or empty', () => {
    assert.equal(cameraInfoTopicOf(RIGHT, [INFO]), undefined);
    assert.equal(cameraInfoTopicOf(RAW, [topic('/cam/camera_info', 'std_msgs/String')]), undefined);
    assert.equal(cameraInfoTopicOf(RAW, [{ ...INFO, messageCount: 0 }]), undefined);
  });
  it('of an image without namespace is /camera_info', () => {
    const info = topic('/camera_info', 'sensor_msgs/CameraInfo');
    assert.equal(cameraInfoTopicOf(topic('/image', 'sensor_msgs/Image'), [info]), info);
  });
});
