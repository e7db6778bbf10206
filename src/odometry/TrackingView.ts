// SPDX-License-Identifier: MIT
import type { FrameBuffers } from './FrameDevice.ts';
import { GRID_STRIDE } from './solver.ts';

/** What the odometry saw last, for drawing. Plain data: it may be kept. */
export interface TrackingView {
  /** Pixels of the network image (undistorted, scaled, cropped). */
  width: number;
  height: number;
  /** [height][width] the last image, 8 bit; colour as luma (ITU-R BT.601). */
  gray: Uint8Array;
  /**
   * [n][5] fromX, fromY, toX, toY, confidence: the centre of a patch in the image it was taken from, and where the network saw it in the last image; network px, and 0..1.
   * A patch may have left the image. Empty while there is no pose.
   */
  tracks: Float32Array;
}

/** One pair of the last update whose target was the newest frame: its index in the pair table of that update, and the ring slot of its source. */
export interface SeenPair {
  pair: number;
  source: number;
}

const TRACK_SIZE = 5;

/** Grid coordinates times GRID_STRIDE are pixels: so are the intrinsics scaled. */
export function tracksOf(buffers: FrameBuffers, seen: readonly SeenPair[], patches: number): Float32Array {
  const { centre, delta, weight, patchX, patchY, patchStride } = buffers;
  const tracks = new Float32Array(seen.length * patches * TRACK_SIZE);
  let at = 0;
  for (const { pair, source } of seen) {
    for (let k = 0; k < patches; k++) {
      const edge = 2 * (pair * patches + k);
      tracks[at++] = GRID_STRIDE * patchX[source * patchStride + k]!;
      tracks[at++] = GRID_STRIDE * patchY[source * patchStride + k]!;
      tracks[at++] = GRID_STRIDE * (centre[edge]! + delta[edge]!);
      tracks[at++] = GRID_STRIDE * (centre[edge + 1]! + delta[edge + 1]!);
      tracks[at++] = (weight[edge]! + weight[edge + 1]!) / 2;
    }
  }
  return tracks;
}

/** Shares of blue, green and red in the luma. */
const LUMA = [0.114, 0.587, 0.299] as const;

/** 8-bit intensities of a network image [1 or 3][pixels], channels in the order blue, green, red: the normalisation scale * I + offset undone. */
export function grayOf(
  image: Float32Array,
  pixels: number,
  { scale, offset }: { scale: number; offset: number },
): Uint8Array {
  const gray = new Uint8Array(pixels);
  const isColour = image.length >= 3 * pixels;
  const [b, g, r] = isColour ? LUMA : ([1, 0, 0] as const);
  // Rounds, and a rounding error at either end of the range does not wrap around.
  const shift = 0.5 - offset / scale;
  for (let i = 0; i < pixels; i++) {
    const value = isColour ? b * image[i]! + g * image[pixels + i]! + r * image[2 * pixels + i]! : image[i]!;
    const level = value / scale + shift;
    gray[i] = level < 0 ? 0 : level > 255 ? 255 : level;
  }
  return gray;
}
