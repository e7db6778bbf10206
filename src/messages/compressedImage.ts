// SPDX-License-Identifier: MIT
import sharp from 'sharp';
import { messageOf, QpvoError } from '../error.ts';
import type { ImageFrame, PixelEncoding } from '../sources/Source.ts';

// A recording is read once, front to back: a cache of decoded files would only hold memory.
sharp.cache(false);

/** Pixels of a decoded image file, without row padding. */
export type DecodedImage = Omit<ImageFrame, 'stampNs'>;

/**
 * Decodes a PNG, JPEG, WebP or TIFF file, or the data of a sensor_msgs/CompressedImage. Gray stays gray: mono8, or mono16 (little endian) when the
 * file has 16 bits; everything else becomes rgb8. Transparency is dropped.
 *
 * @throws QpvoError QPVO_SOURCE_CORRUPT when the bytes are no complete image
 */
export async function decodeImage(bytes: Uint8Array): Promise<DecodedImage> {
  try {
    const image = sharp(bytes);
    const { space = '' } = await image.metadata();
    // Asked for nothing, sharp turns gray into sRGB.
    const target = space === 'b-w' || space === 'grey16' ? space : 'srgb';
    const depth = target === 'grey16' ? 'ushort' : 'uchar';
    const decoded = await image
      .removeAlpha()
      .toColourspace(target)
      .raw({ depth })
      .toBuffer({ resolveWithObject: true });
    const { width, height } = decoded.info;
    const encoding = target === 'srgb' ? 'rgb8' : target === 'b-w' ? 'mono8' : 'mono16';
    return { width, height, encoding, step: decoded.data.length / height, isBigEndian: false, data: decoded.data };
  } catch (error) {
    throw new QpvoError('QPVO_SOURCE_CORRUPT', {
      what: `an image of ${bytes.length} bytes cannot be decoded`,
      expected: 'a complete PNG, JPEG, WebP or TIFF image',
      received: messageOf(error).split('\n')[0] ?? '',
      cause: error,
    });
  }
}

/**
 * Decodes the data of a sensor_msgs/CompressedImage. `format` ("mono8; png compressed mono8", "jpeg", ...) matters only where a colour mosaic
 * was compressed as if it were gray ("bayer_rggb8; png compressed ").
 */
export async function decodeCompressedImage(bytes: Uint8Array, format: string): Promise<DecodedImage> {
  const decoded = await decodeImage(bytes);
  const mosaic = /^(bayer_(?:rggb|bggr|gbrg|grbg)8)\b/.exec(format)?.[1];
  return mosaic !== undefined && decoded.encoding === 'mono8'
    ? { ...decoded, encoding: mosaic as PixelEncoding }
    : decoded;
}
