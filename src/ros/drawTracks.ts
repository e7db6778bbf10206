// SPDX-License-Identifier: MIT
import type { TrackingView } from '../odometry/TrackingView.ts';

/** Confidence at and above which a track is drawn in full green. */
const FULL_CONFIDENCE = 0.5;

/**
 * What the network sees, as rgb8 [height][width][3] without padding: each track a line from where its patch was taken to where it is seen now, which a square marks; from red (not
 * trusted) to green.
 */
export function drawTracks({ width, height, gray, tracks }: TrackingView): Uint8Array {
  const rgb = new Uint8Array(width * height * 3);
  for (let i = 0, at = 0; i < gray.length; i++, at += 3) {
    const value = gray[i]!;
    rgb[at] = value;
    rgb[at + 1] = value;
    rgb[at + 2] = value;
  }
  const put = (x: number, y: number, red: number, green: number): void => {
    if (!(x >= 0 && y >= 0 && x < width && y < height)) return;
    const at = 3 * (Math.floor(y) * width + Math.floor(x));
    rgb[at] = red;
    rgb[at + 1] = green;
    rgb[at + 2] = 0;
  };
  for (let i = 0; i + 4 < tracks.length; i += 5) {
    const fromX = tracks[i]!;
    const fromY = tracks[i + 1]!;
    const toX = tracks[i + 2]!;
    const toY = tracks[i + 3]!;
    const share = Math.min(1, Math.max(0, tracks[i + 4]! / FULL_CONFIDENCE));
    const red = Math.round(255 * (1 - share));
    const green = Math.round(255 * share);
    const steps = Math.min(width + height, Math.ceil(Math.max(Math.abs(toX - fromX), Math.abs(toY - fromY))));
    for (let k = 0; k <= steps; k++) {
      const part = steps === 0 ? 0 : k / steps;
      put(fromX + part * (toX - fromX), fromY + part * (toY - fromY), red, green);
    }
    for (let d = -1; d <= 1; d++) {
      for (const side of [-1, 1]) {
        put(toX + d, toY + side, red, green);
        put(toX + side, toY + d, red, green);
      }
    }
  }
  return rgb;
}
