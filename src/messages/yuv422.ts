// SPDX-License-Identifier: MIT
// YUV 4:2:2 packed: two pixels in four bytes, U Y0 V Y1 (yuv422, luma at 1) or Y0 U Y1 V (yuv422_yuy2, luma at 0).
import type { ImageFrame } from '../sources/Source.ts';

/** The Y of every pixel as it stands. */
export function yuv422ToGray(frame: ImageFrame, lumaOffset: 0 | 1, out: Uint8Array): void {
  const { width, height, step, data } = frame;
  for (let y = 0, o = 0; y < height; y++) {
    for (let x = 0, i = y * step + lumaOffset; x < width; x++, i += 2) out[o++] = data[i]!;
  }
}

/** BT.601 with video range (Y 16..235), in 20-bit fixed point. */
export function yuv422ToBgr(frame: ImageFrame, lumaOffset: 0 | 1, out: Uint8Array): void {
  const { width, height, step, data } = frame;
  const chroma = 1 - lumaOffset;
  for (let y = 0, o = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const pair = y * step + (x >> 1) * 4;
      const luma = Math.max(data[pair + lumaOffset + (x & 1) * 2]! - 16, 0) * 1220542 + 524288;
      const u = data[pair + chroma]! - 128;
      const v = data[pair + chroma + 2]! - 128;
      out[o++] = clamp((luma + 2116026 * u) >> 20);
      out[o++] = clamp((luma - 409993 * u - 852492 * v) >> 20);
      out[o++] = clamp((luma + 1673527 * v) >> 20);
    }
  }
}

function clamp(v: number): number {
  return Math.min(Math.max(v, 0), 255);
}
