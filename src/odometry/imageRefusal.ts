// SPDX-License-Identifier: MIT
import type { CameraCalibration } from '../camera/CameraCalibration.ts';
import { QpvoError } from '../error.ts';
import type { ImageFrame } from '../sources/Source.ts';

/**
 * Why an image cannot be used; empty when it can.
 * @param isFirst no image of the calibrated size has come yet
 * @param lastStampNs of the last image used
 * @throws QPVO_IMAGE_SIZE when the very first image contradicts the calibration
 */
export function imageRefusal(
  frame: ImageFrame,
  { width, height, origin }: CameraCalibration,
  isFirst: boolean,
  lastStampNs: bigint | undefined,
): string {
  if (frame.width !== width || frame.height !== height) {
    const sizes = {
      expected: `${width}x${height} px as calibrated (${origin})`,
      received: `${frame.width}x${frame.height} px`,
    };
    if (!isFirst) return `image size changed: expected ${sizes.expected}, but received ${sizes.received}`;
    throw new QpvoError('QPVO_IMAGE_SIZE', {
      what: 'the images are not those of the calibration',
      ...sizes,
      advice: 'Give the calibration of this camera at this resolution with --camera.',
    });
  }
  if (lastStampNs === undefined || frame.stampNs > lastStampNs) return '';
  return frame.stampNs === lastStampNs
    ? 'its stamp repeats the last one'
    : `its stamp goes back by ${Number(lastStampNs - frame.stampNs) / 1e9} s`;
}
