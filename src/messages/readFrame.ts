// SPDX-License-Identifier: MIT
import type { ImageFrame } from '../sources/Source.ts';
import { decodeCompressedImage } from './compressedImage.ts';
import { checkImageLayout, pixelEncodingOf } from './encodings.ts';
import type { Serialization } from './FieldReader.ts';
import { readCompressedImage, readImage } from './sensorMessages.ts';

/**
 * The image in a sensor_msgs/Image or CompressedImage message, from a bag or from a topic. Raw pixels are a view of the message.
 *
 * @throws QpvoError QPVO_ENCODING for an unsupported encoding, QPVO_SOURCE_CORRUPT when the message is damaged or contradicts itself
 */
export async function readFrame(
  message: Uint8Array,
  stampNs: bigint,
  serialization: Serialization,
  isCompressed: boolean,
): Promise<ImageFrame> {
  if (isCompressed) {
    const compressed = readCompressedImage(message, serialization);
    return { stampNs, ...(await decodeCompressedImage(compressed.data, compressed.format)) };
  }
  const { width, height, step, isBigEndian, ...image } = readImage(message, serialization);
  const frame = { width, height, step, isBigEndian, encoding: pixelEncodingOf(image.encoding), data: image.data };
  checkImageLayout(frame);
  return { stampNs, ...frame };
}
