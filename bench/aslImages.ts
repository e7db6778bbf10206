// SPDX-License-Identifier: MIT
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** An image of a recording that a benchmark links to or gives to another program. */
export interface ListedImage {
  stampNs: bigint;
  /** As data.csv names it: relative to the folder data of the camera. */
  name: string;
}

/** The images of a camera folder of an ASL recording (mav0/cam0), as its data.csv lists them. */
export async function readAslImages(camera: string): Promise<ListedImage[]> {
  return parseAslList(await readFile(join(camera, 'data.csv'), 'utf8'));
}

export function parseAslList(list: string): ListedImage[] {
  return list
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const [stamp, name] = line.split(',') as [string, string];
      return { stampNs: BigInt(stamp), name: name.trim() };
    });
}
