// SPDX-License-Identifier: MIT
import type { ImageFrame } from '../sources/Source.ts';
import { luma } from './packedPixels.ts';

/** Where the red pixel of each 2x2 cell is; blue is diagonal to it. */
export interface BayerPhase {
  redX: 0 | 1;
  redY: 0 | 1;
}

/**
 * Bilinear demosaic to BGR or gray: a missing colour is the rounded mean of its two or four nearest samples. The image is mirrored about its
 * border pixels, which keeps the colour pattern.
 */
export function demosaic(frame: ImageFrame, phase: BayerPhase, channels: 1 | 3, out: Uint8Array): void {
  const { width, height, step, data } = frame;
  for (let y = 0, o = 0; y < height; y++) {
    const row = y * step;
    const up = mirrored(y - 1, height) * step;
    const down = mirrored(y + 1, height) * step;
    const isRedRow = (y & 1) === phase.redY;
    for (let x = 0; x < width; x++) {
      const left = mirrored(x - 1, width);
      const right = mirrored(x + 1, width);
      const centre = data[row + x]!;
      const beside = data[row + left]! + data[row + right]!;
      const above = data[up + x]! + data[down + x]!;
      // `own`: the colour that shares this row with green, `other`: the colour of the neighbouring rows.
      let own: number;
      let green: number;
      let other: number;
      if (((x & 1) === phase.redX) === isRedRow) {
        own = centre;
        green = (beside + above + 2) >> 2;
        other = (data[up + left]! + data[up + right]! + data[down + left]! + data[down + right]! + 2) >> 2;
      } else {
        own = (beside + 1) >> 1;
        green = centre;
        other = (above + 1) >> 1;
      }
      const red = isRedRow ? own : other;
      const blue = isRedRow ? other : own;
      if (channels === 1) {
        out[o++] = luma(red, green, blue);
      } else {
        out[o++] = blue;
        out[o++] = green;
        out[o++] = red;
      }
    }
  }
}

/** Index mirrored about the first and last element; a single element is its own neighbour. */
function mirrored(i: number, count: number): number {
  if (i < 0) return Math.min(1, count - 1);
  return i < count ? i : Math.max(count - 2, 0);
}
