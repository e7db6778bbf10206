// SPDX-License-Identifier: MIT
import type { ImageFrame, PixelEncoding } from '../sources/Source.ts';
import { type BayerPhase, demosaic } from './demosaic.ts';
import { checkImageLayout } from './encodings.ts';
import { grayFromHighByte, packedToBgr, packedToGray } from './packedPixels.ts';
import { yuv422ToBgr, yuv422ToGray } from './yuv422.ts';

/** An 8-bit image: gray (1 channel) or BGR interleaved (3 channels), rows top to bottom. */
export interface CameraImage {
  stampNs: bigint;
  width: number;
  height: number;
  channels: 1 | 3;
  /** Bytes from one row to the next. */
  step: number;
  data: Uint8Array;
}

type Convert = (frame: ImageFrame, out: Uint8Array) => void;

/** How each layout becomes gray and BGR; mono8 is left as it is, and mono16 has no colour. */
const CONVERSIONS: Readonly<Record<Exclude<PixelEncoding, 'mono8'>, { gray: Convert; bgr?: Convert }>> = {
  mono16: { gray: grayFromHighByte },
  rgb8: packed(3, 0, 2),
  bgr8: packed(3, 2, 0),
  rgba8: packed(4, 0, 2),
  bgra8: packed(4, 2, 0),
  bayer_rggb8: bayer({ redX: 0, redY: 0 }),
  bayer_grbg8: bayer({ redX: 1, redY: 0 }),
  bayer_gbrg8: bayer({ redX: 0, redY: 1 }),
  bayer_bggr8: bayer({ redX: 1, redY: 1 }),
  yuv422: yuv(1),
  yuv422_yuy2: yuv(0),
};

/**
 * An image as it arrived, as 8-bit gray or BGR. A mono8 frame is passed on as gray without a copy, with its own step; gray stays gray also where BGR is asked for. Everything but mono8
 * is written without padding into `into`, or into a new array when `into` is missing or too small.
 *
 * - mono16 keeps its high byte: the full 16-bit range is taken as black to white.
 * - gray of colour is 0.299 R + 0.587 G + 0.114 B (BT.601) in OpenCV's fixed point; gray of YUV is its Y as it stands.
 * - bayer is demosaiced bilinearly, mirrored at the border.
 *
 * @throws QpvoError QPVO_SOURCE_CORRUPT when the data is shorter than the size says
 */
export function toCameraImage(frame: ImageFrame, wantedChannels: 1 | 3, into?: Uint8Array): CameraImage {
  checkImageLayout(frame);
  const { stampNs, width, height, encoding } = frame;
  if (encoding === 'mono8') return { stampNs, width, height, channels: 1, step: frame.step, data: frame.data };
  const { gray, bgr } = CONVERSIONS[encoding];
  const channels = bgr === undefined ? 1 : wantedChannels;
  const size = width * height * channels;
  const out = into !== undefined && into.length >= size ? into : new Uint8Array(size);
  const convert = channels === 3 && bgr !== undefined ? bgr : gray;
  convert(frame, out);
  return { stampNs, width, height, channels, step: width * channels, data: out };
}

function packed(pixelBytes: number, red: number, blue: number): { gray: Convert; bgr: Convert } {
  return {
    gray: (frame, out) => packedToGray(frame, pixelBytes, red, blue, out),
    bgr: (frame, out) => packedToBgr(frame, pixelBytes, red, blue, out),
  };
}

function bayer(phase: BayerPhase): { gray: Convert; bgr: Convert } {
  return { gray: (frame, out) => demosaic(frame, phase, 1, out), bgr: (frame, out) => demosaic(frame, phase, 3, out) };
}

function yuv(lumaOffset: 0 | 1): { gray: Convert; bgr: Convert } {
  return {
    gray: (frame, out) => yuv422ToGray(frame, lumaOffset, out),
    bgr: (frame, out) => yuv422ToBgr(frame, lumaOffset, out),
  };
}
