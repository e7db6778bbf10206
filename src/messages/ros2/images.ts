// SPDX-License-Identifier: MIT
// Camera messages. Their readers are in sensorMessages.ts, for ROS 1 and ROS 2.
import { CdrWriter } from '@foxglove/cdr';
import type { CameraInfoMessage, CompressedImageMessage, ImageMessage } from '../sensorMessages.ts';
import { writeHeader, writeNumbers, writeText } from './writeParts.ts';

interface Stamped {
  stampNs: bigint;
  frame: string;
}

/** sensor_msgs/msg/Image; `data` holds `height` rows of `step` bytes. */
export function encodeImage(image: Stamped & Omit<ImageMessage, 'header'>): Uint8Array {
  const cdr = new CdrWriter({ size: 128 + 3 * image.frame.length + image.data.length });
  writeHeader(cdr, image.stampNs, image.frame);
  cdr.uint32(image.height).uint32(image.width);
  writeText(cdr, image.encoding);
  cdr.uint8(image.isBigEndian ? 1 : 0).uint32(image.step);
  cdr.uint8Array(image.data, true);
  return cdr.data;
}

/** sensor_msgs/msg/CompressedImage. */
export function encodeCompressedImage(image: Stamped & Omit<CompressedImageMessage, 'header'>): Uint8Array {
  const cdr = new CdrWriter({ size: 128 + 3 * (image.frame.length + image.format.length) + image.data.length });
  writeHeader(cdr, image.stampNs, image.frame);
  writeText(cdr, image.format);
  cdr.uint8Array(image.data, true);
  return cdr.data;
}

/**
 * sensor_msgs/msg/CameraInfo of the whole image, without binning.
 *
 * @throws QpvoError QPVO_INTERNAL when k, r or p is no matrix of 3x3, 3x3 or 3x4
 */
export function encodeCameraInfo(info: Stamped & Omit<CameraInfoMessage, 'header'>): Uint8Array {
  const cdr = new CdrWriter({ size: 512 });
  writeHeader(cdr, info.stampNs, info.frame);
  cdr.uint32(info.height).uint32(info.width);
  writeText(cdr, info.distortion_model);
  cdr.sequenceLength(info.d.length);
  writeNumbers(cdr, info.d, info.d.length, 'd');
  writeNumbers(cdr, info.k, 9, 'k');
  writeNumbers(cdr, info.r, 9, 'r');
  writeNumbers(cdr, info.p, 12, 'p');
  cdr.uint32(0).uint32(0); // binning_x, binning_y
  cdr.uint32(0).uint32(0).uint32(0).uint32(0).uint8(0); // roi: zeros are the whole image
  return cdr.data;
}
