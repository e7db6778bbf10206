// SPDX-License-Identifier: MIT
// Interleaved 8-bit colour and 8- or 16-bit gray. Offsets are in bytes within one pixel; `out` has no row padding.
import type { ImageFrame } from '../sources/Source.ts';

/** BT.601 luma in 15-bit fixed point, rounded half up, as cv::cvtColor does it. */
export function luma(r: number, g: number, b: number): number {
  return (r * 9798 + g * 19235 + b * 3735 + 16384) >> 15;
}

export function grayFromHighByte(frame: ImageFrame, out: Uint8Array): void {
  const { width, height, step, data } = frame;
  const high = frame.isBigEndian ? 0 : 1;
  for (let y = 0, o = 0; y < height; y++) {
    for (let x = 0, i = y * step + high; x < width; x++, i += 2) out[o++] = data[i]!;
  }
}

/** `red` and `blue` are the places of these channels; green is between them. */
export function packedToGray(frame: ImageFrame, pixelBytes: number, red: number, blue: number, out: Uint8Array): void {
  const { width, height, step, data } = frame;
  for (let y = 0, o = 0; y < height; y++) {
    for (let x = 0, i = y * step; x < width; x++, i += pixelBytes) {
      out[o++] = luma(data[i + red]!, data[i + 1]!, data[i + blue]!);
    }
  }
}

export function packedToBgr(frame: ImageFrame, pixelBytes: number, red: number, blue: number, out: Uint8Array): void {
  const { width, height, step, data } = frame;
  for (let y = 0, o = 0; y < height; y++) {
    for (let x = 0, i = y * step; x < width; x++, i += pixelBytes) {
      out[o++] = data[i + blue]!;
      out[o++] = data[i + 1]!;
      out[o++] = data[i + red]!;
    }
  }
}
