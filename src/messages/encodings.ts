// SPDX-License-Identifier: MIT
import { QpvoError } from '../error.ts';
import type { ImageFrame, PixelEncoding } from '../sources/Source.ts';

/** Bytes per pixel. */
const PIXEL_BYTES: Readonly<Record<PixelEncoding, number>> = {
  mono8: 1,
  mono16: 2,
  rgb8: 3,
  bgr8: 3,
  rgba8: 4,
  bgra8: 4,
  bayer_rggb8: 1,
  bayer_bggr8: 1,
  bayer_gbrg8: 1,
  bayer_grbg8: 1,
  yuv422: 2,
  yuv422_yuy2: 2,
};

/** Other names that drivers use for the same layouts. */
const ALIASES: Readonly<Record<string, PixelEncoding>> = {
  '8uc1': 'mono8',
  '8uc3': 'bgr8',
  '8uc4': 'bgra8',
  '16uc1': 'mono16',
  uyvy: 'yuv422',
  yuyv: 'yuv422_yuy2',
  yuy2: 'yuv422_yuy2',
};

export const PIXEL_ENCODINGS = Object.keys(PIXEL_BYTES) as readonly PixelEncoding[];

/**
 * The layout that an encoding name of sensor_msgs/Image stands for.
 *
 * @throws QpvoError QPVO_ENCODING for every other name, with the list of known ones
 */
export function pixelEncodingOf(name: string): PixelEncoding {
  const key = name.toLowerCase();
  if (Object.hasOwn(PIXEL_BYTES, key)) return key as PixelEncoding;
  const alias = Object.hasOwn(ALIASES, key) ? ALIASES[key] : undefined;
  if (alias !== undefined) return alias;
  throw new QpvoError('QPVO_ENCODING', {
    what: 'unsupported image encoding',
    expected: `one of ${[...PIXEL_ENCODINGS, ...Object.keys(ALIASES)].join(', ')}`,
    received: JSON.stringify(name),
    advice: 'Record or convert the images in one of these encodings.',
  });
}

/** Bytes of one row without padding. Two yuv422 pixels share four bytes, so an odd last pixel still takes four. */
export function rowBytes(encoding: PixelEncoding, width: number): number {
  const isYuv = encoding === 'yuv422' || encoding === 'yuv422_yuy2';
  return PIXEL_BYTES[encoding] * (isYuv ? width + (width & 1) : width);
}

/** @throws QpvoError QPVO_SOURCE_CORRUPT when size, step and data length of an image contradict each other */
export function checkImageLayout(frame: Omit<ImageFrame, 'stampNs'>): void {
  const { width, height, encoding, step, data } = frame;
  const row = rowBytes(encoding, width);
  if (width < 1 || height < 1 || step < row) {
    throw new QpvoError('QPVO_SOURCE_CORRUPT', {
      what: 'an image header contradicts itself',
      expected: `at least one pixel, and a step of at least ${row} bytes for ${width} pixels of ${encoding}`,
      received: `${width}x${height} with a step of ${step} bytes`,
    });
  }
  // Some drivers leave the padding of the last row out.
  const needed = (height - 1) * step + row;
  if (data.length < needed) {
    throw new QpvoError('QPVO_SOURCE_CORRUPT', {
      what: 'an image is incomplete',
      expected: `${needed} bytes (${width}x${height} ${encoding}, step ${step})`,
      received: `${data.length}`,
    });
  }
}
