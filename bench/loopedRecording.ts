// SPDX-License-Identifier: MIT
import { copyFile, mkdir, symlink, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { readAslImages } from './aslImages.ts';
import type { Recording } from './recordings.ts';

/**
 * Writes an ASL folder that plays the first `turn` images of another one forth and back until there are `count`, with stamps that go on at the same
 * rate. The images are linked, not copied.
 */
export async function writeLoopedRecording(
  folder: string,
  recording: Recording,
  turn: number,
  count: number,
): Promise<void> {
  const from = join(resolve(recording.path), 'mav0', 'cam0');
  const to = join(folder, 'mav0', 'cam0');
  const images = (await readAslImages(from)).slice(0, turn);
  const periodNs = BigInt(Math.round(recording.periodS * 1e9));
  const first = images[0]!.stampNs;
  const lines = forthAndBack(images.length, count).map(
    (index, position) => `${first + BigInt(position) * periodNs},${images[index]!.name}`,
  );
  await mkdir(to, { recursive: true });
  await symlink(join(from, 'data'), join(to, 'data'));
  await copyFile(join(from, 'sensor.yaml'), join(to, 'sensor.yaml'));
  await writeFile(join(to, 'data.csv'), `#timestamp [ns],filename\n${lines.join('\n')}\n`);
}

/** 0 1 2 ... length-1 ... 2 1 0 1 2 ...: neighbours always differ by one. */
export function forthAndBack(length: number, count: number): number[] {
  const period = Math.max(1, 2 * (length - 1));
  return Array.from({ length: count }, (_, position) => {
    const phase = position % period;
    return Math.min(phase, period - phase);
  });
}
