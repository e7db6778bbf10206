// SPDX-License-Identifier: MIT
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { QpvoError } from '../../src/error.ts';
import { isImageFile } from '../../src/sources/imageFiles.ts';
import { stampsFromList } from '../../src/sources/imageStamps.ts';
import { naturalOrder } from '../../src/sources/naturalOrder.ts';
import { openSource } from '../../src/sources/openSource.ts';
import { readAslImages } from '../aslImages.ts';
import type { Sequence, SequenceImage } from './Sequence.ts';

/** Which sequence it is and how it is run; the rest is read. */
export type SequenceChoice = Pick<Sequence, 'kind' | 'name' | 'path' | 'starts' | 'strides'>;

/**
 * Reads what a benchmark needs of a sequence: an ASL folder, or a folder with images/, times.txt, camera.yaml and groundtruth.tum.
 *
 * @throws QpvoError QPVO_EVALUATION without calibration or ground truth
 */
export async function openSequence(choice: SequenceChoice): Promise<Sequence> {
  const source = await openSource(choice.path);
  await source.close();
  const { calibration, groundTruth } = source;
  if (calibration === undefined || groundTruth === undefined) {
    throw new QpvoError('QPVO_EVALUATION', {
      what: `${choice.path} cannot be measured against`,
      expected: 'a sequence with calibration and ground truth',
      received: calibration === undefined ? 'no calibration' : 'no ground truth',
    });
  }
  const depth = await readMedianDepthM(choice.path);
  return {
    ...choice,
    calibration,
    groundTruth,
    images: await listImages(resolve(choice.path)),
    ...(depth === undefined ? {} : { medianDepthM: depth }),
  };
}

async function listImages(path: string): Promise<SequenceImage[]> {
  const camera = join(path, 'mav0', 'cam0');
  if (existsSync(camera)) {
    return (await readAslImages(camera)).map(({ stampNs, name }) => ({ stampNs, path: join(camera, 'data', name) }));
  }
  const folder = join(path, 'images');
  const names = (await readdir(folder)).filter(isImageFile).sort(naturalOrder);
  const timeFile = join(path, 'times.txt');
  const stamps = stampsFromList(await readFile(timeFile, 'utf8'), names, timeFile);
  return names.map((name, index) => ({ stampNs: stamps[index]!, path: join(folder, name) }));
}

/** As the renderer writes it into meta.json beside mav0. */
async function readMedianDepthM(path: string): Promise<number | undefined> {
  const file = join(path, 'meta.json');
  if (!existsSync(file)) return undefined;
  const { median_depth_m: depth } = JSON.parse(await readFile(file, 'utf8')) as { median_depth_m?: unknown };
  return typeof depth === 'number' && depth > 0 ? depth : undefined;
}
