// SPDX-License-Identifier: MIT
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';

export const WIDTH = 160;
export const HEIGHT = 112;

/** Writes an image folder with camera.yaml: a camera that moves sideways along a textured wall, 3 px an image, 20 images a second. */
export async function writeTextureSequence(folder: string, count: number): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(
    join(folder, 'camera.yaml'),
    `camera_model: pinhole\nintrinsics: [120, 120, ${WIDTH / 2}, ${HEIGHT / 2}]\nresolution: [${WIDTH}, ${HEIGHT}]\n`,
  );
  for (let i = 0; i < count; i++) {
    await sharp(wall(3 * i), { raw: { width: WIDTH, height: HEIGHT, channels: 1 } })
      .toColourspace('b-w')
      .png({ compressionLevel: 1 })
      .toFile(imagePath(folder, i));
  }
}

export function imagePath(folder: string, index: number): string {
  return join(folder, `${String(index).padStart(6, '0')}.png`);
}

/** Sum of waves that do not repeat within the picture. */
function wall(shiftPx: number): Uint8Array {
  const pixels = new Uint8Array(WIDTH * HEIGHT);
  for (let row = 0; row < HEIGHT; row++) {
    for (let column = 0; column < WIDTH; column++) {
      const x = column + shiftPx;
      const value =
        Math.sin(x * 0.31 + Math.sin(row * 0.17)) + Math.sin(row * 0.43 + x * 0.11) + Math.sin(x * 0.73 - row * 0.59);
      pixels[row * WIDTH + column] = 127 + 42 * value;
    }
  }
  return pixels;
}
