// SPDX-License-Identifier: MIT
import type { CameraCalibration } from '../camera/CameraCalibration.ts';
import { calibrationFromCameraInfo } from '../camera/cameraInfo.ts';
import { messageOf, QpvoError } from '../error.ts';
import { readFrame } from '../messages/readFrame.ts';
import { readCameraInfo, readHeader } from '../messages/sensorMessages.ts';
import type { BagMessage, BagReader, BagTopic } from './BagReader.ts';
import { frameSelection } from './frameSelection.ts';
import { cameraInfoTopicOf, chooseImageTopic, isCompressed } from './imageTopics.ts';
import { mapAhead } from './mapAhead.ts';
import type { FrameFault, FrameRange, ImageFrame, Source, SourceInfo, SourceItem, SourceOptions } from './Source.ts';

/** Compressed images that are decoded while the last one is in use. */
const DECODE_AHEAD = 2;

interface StampedMessage {
  stampNs: bigint;
  data: Uint8Array;
}

/** The images of one topic of a bag, with the first message of its camera_info as calibration. Takes the reader over: also when it throws, it closes it. */
export async function openBagSource(reader: BagReader, options: SourceOptions): Promise<Source> {
  try {
    const image = chooseImageTopic(reader.topics, options.topic, reader.path);
    const cameraInfo = cameraInfoTopicOf(image, reader.topics);
    const calibration =
      cameraInfo && !options.skipCalibration ? await readCalibration(reader, cameraInfo, image) : undefined;
    const info = await describe(reader, image, cameraInfo);
    return new BagSource(reader, image, info, calibration);
  } catch (error) {
    await reader.close();
    throw error;
  }
}

class BagSource implements Source {
  readonly info: SourceInfo;
  readonly calibration: CameraCalibration | undefined;
  readonly groundTruth = undefined;
  readonly #reader: BagReader;
  readonly #topic: BagTopic;

  constructor(reader: BagReader, topic: BagTopic, info: SourceInfo, calibration: CameraCalibration | undefined) {
    this.#reader = reader;
    this.#topic = topic;
    this.info = info;
    this.calibration = calibration;
  }

  frames(range: FrameRange = {}): AsyncIterableIterator<SourceItem> {
    const ahead = isCompressed(this.#topic) ? DECODE_AHEAD : 0;
    return mapAhead(this.#selected(range), ahead, (item) => frameOrFault(item, this.#topic));
  }

  async *#selected(range: FrameRange): AsyncGenerator<StampedMessage | FrameFault> {
    const select = frameSelection(range);
    for await (const message of this.#reader.messages(this.#topic.topic)) {
      if ('fault' in message) {
        yield message;
        continue;
      }
      const stampNs = stampOf(message, this.#topic);
      const selection = select(stampNs);
      if (selection === 'stop') return;
      if (selection === 'take') yield { stampNs, data: message.data };
    }
  }

  close(): Promise<void> {
    return this.#reader.close();
  }
}

async function frameOrFault(item: StampedMessage | FrameFault, topic: BagTopic): Promise<SourceItem> {
  if ('fault' in item) return item;
  try {
    return await frameOf(item, topic);
  } catch (error) {
    return { stampNs: item.stampNs, fault: messageOf(error) };
  }
}

function frameOf(message: StampedMessage, topic: BagTopic): Promise<ImageFrame> {
  return readFrame(message.data, message.stampNs, topic.serialization!, isCompressed(topic));
}

/** The header's stamp, or the time of recording where the driver left the header empty or the message is damaged. */
function stampOf(message: BagMessage, topic: BagTopic): bigint {
  try {
    const { stampNs } = readHeader(message.data, topic.serialization!);
    return stampNs === 0n ? message.logTimeNs : stampNs;
  } catch {
    return message.logTimeNs;
  }
}

async function firstMessage(reader: BagReader, topic: string): Promise<BagMessage | undefined> {
  for await (const message of reader.messages(topic)) return 'fault' in message ? undefined : message;
  return undefined;
}

/** Undefined also for a camera that says by a zero matrix that it is not calibrated. */
async function readCalibration(
  reader: BagReader,
  topic: BagTopic,
  image: BagTopic,
): Promise<CameraCalibration | undefined> {
  const message = await firstMessage(reader, topic.topic);
  if (message === undefined) return undefined;
  const info = readCameraInfo(message.data, topic.serialization!);
  if (info.k.every((value) => value === 0)) return undefined;
  const rectified = /\/image_rect(_color|_raw)?(\/|$)/.test(image.topic);
  return calibrationFromCameraInfo(info, `topic ${topic.topic} of ${reader.path}`, { rectified });
}

async function describe(reader: BagReader, image: BagTopic, cameraInfo: BagTopic | undefined): Promise<SourceInfo> {
  const first = await firstMessage(reader, image.topic);
  if (first === undefined) throw emptyTopic(reader, image);
  const stampNs = stampOf(first, image);
  const last = await reader.lastMessage(image.topic);
  const frame = await firstFrame({ stampNs, data: first.data }, image);
  return {
    kind: reader.kind,
    path: reader.path,
    imageCount: image.messageCount,
    firstStampNs: stampNs,
    lastStampNs: last && stampOf(last, image),
    imageTopic: image.topic,
    cameraInfoTopic: cameraInfo?.topic,
    width: frame?.width,
    height: frame?.height,
    encoding: frame?.encoding,
    topics: reader.topics.map(({ topic, type, messageCount }) => ({ topic, type, messageCount })),
  };
}

/** Undefined when the first image is damaged: those after it may be whole. An encoding that is not supported will not change. */
async function firstFrame(message: StampedMessage, topic: BagTopic): Promise<ImageFrame | undefined> {
  try {
    return await frameOf(message, topic);
  } catch (error) {
    if (error instanceof QpvoError && error.code === 'QPVO_ENCODING') throw error;
    return undefined;
  }
}

function emptyTopic(reader: BagReader, image: BagTopic): QpvoError {
  return new QpvoError('QPVO_SOURCE_EMPTY', {
    what: `no image can be read from ${reader.path}`,
    expected: `at least one message of topic ${image.topic}`,
    received: image.messageCount === 0 ? 'an empty topic' : 'none before the end or the first damage of the file',
    advice: 'Choose another topic with --topic, or record again.',
  });
}
