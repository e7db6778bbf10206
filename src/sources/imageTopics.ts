// SPDX-License-Identifier: MIT
import { QpvoError } from '../error.ts';
import type { BagTopic } from './BagReader.ts';

/**
 * The image topic to read: the one asked for, else the only candidate. Of a raw and a compressed topic of the same camera the raw one is taken.
 *
 * @throws QpvoError QPVO_TOPIC when there is none, there are several, or the one asked for is not there or holds no images
 */
export function chooseImageTopic(topics: readonly BagTopic[], wanted: string | undefined, path: string): BagTopic {
  return wanted === undefined ? onlyCandidate(topics, path) : wantedTopic(topics, wanted, path);
}

export function isCompressed(topic: BagTopic): boolean {
  return messageType(topic) === 'sensor_msgs/CompressedImage';
}

/** The camera_info topic beside an image topic: `<namespace>/camera_info`, or below the image topic itself. */
export function cameraInfoTopicOf(image: BagTopic, topics: readonly BagTopic[]): BagTopic | undefined {
  const base = rawName(image.topic);
  const names = [`${base.slice(0, base.lastIndexOf('/') + 1)}camera_info`, `${base}/camera_info`];
  const isCameraInfo = (topic: BagTopic): boolean =>
    messageType(topic) === 'sensor_msgs/CameraInfo' && topic.serialization !== undefined && topic.messageCount !== 0;
  return names.map((name) => topics.find((topic) => topic.topic === name && isCameraInfo(topic))).find(Boolean);
}

function onlyCandidate(topics: readonly BagTopic[], path: string): BagTopic {
  const images = topics.filter(isImage);
  const filled = images.filter((topic) => topic.messageCount !== 0);
  const pool = filled.length > 0 ? filled : images;
  const isTwin = (topic: BagTopic): boolean =>
    isCompressed(topic) && pool.some((other) => !isCompressed(other) && other.topic === rawName(topic.topic));
  const candidates = pool.filter((topic) => !isTwin(topic));
  const [first] = candidates;
  if (first !== undefined && candidates.length === 1) return first;
  if (first === undefined) {
    throw new QpvoError('QPVO_TOPIC', {
      what: `no image topic in ${path}`,
      expected: 'a topic of type sensor_msgs/Image or sensor_msgs/CompressedImage',
      received: listed(topics),
    });
  }
  throw new QpvoError('QPVO_TOPIC', {
    what: `several image topics in ${path}`,
    expected: 'one',
    received: listed(candidates),
    advice: `Choose one with --topic, such as --topic ${first.topic}.`,
  });
}

function wantedTopic(topics: readonly BagTopic[], wanted: string, path: string): BagTopic {
  const found = topics.find((topic) => topic.topic === wanted || topic.topic === `/${wanted}`);
  if (found !== undefined && isImage(found)) return found;
  throw new QpvoError('QPVO_TOPIC', {
    what: found === undefined ? `no topic ${wanted} in ${path}` : `topic ${wanted} of ${path} holds no readable images`,
    expected: 'a topic of type sensor_msgs/Image or sensor_msgs/CompressedImage',
    received: found === undefined ? listed(topics) : found.type,
    advice: imagesAdvice(topics),
  });
}

function imagesAdvice(topics: readonly BagTopic[]): string {
  const images = topics.filter(isImage).map((topic) => topic.topic);
  return images.length === 0 ? 'There is no image topic in it.' : `Image topics in it: ${images.join(', ')}.`;
}

/** Depth images in image_transport's compressedDepth form share the type of compressed images but hold no picture. */
function isImage(topic: BagTopic): boolean {
  const type = messageType(topic);
  return (
    topic.serialization !== undefined &&
    (type === 'sensor_msgs/Image' ||
      (type === 'sensor_msgs/CompressedImage' && !topic.topic.endsWith('/compressedDepth')))
  );
}

/** The type name without the "/msg" of ROS 2. */
function messageType(topic: BagTopic): string {
  return topic.type.replace('/msg/', '/');
}

/** The raw topic that a compressed one of image_transport was made from. */
function rawName(topic: string): string {
  return topic.replace(/\/compressed$/, '');
}

function listed(topics: readonly BagTopic[]): string {
  return topics.length === 0 ? 'no topic at all' : topics.map((topic) => `${topic.topic} (${topic.type})`).join(', ');
}
