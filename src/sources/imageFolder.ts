// SPDX-License-Identifier: MIT
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';
import { readCalibrationFile } from '../camera/readCalibration.ts';
import { QpvoError } from '../error.ts';
import { exists } from './exists.ts';
import { openImages } from './FolderSource.ts';
import { readPoses } from './groundTruth.ts';
import { isImageFile } from './imageFiles.ts';
import { stampsFromList, stampsFromNames } from './imageStamps.ts';
import { naturalOrder } from './naturalOrder.ts';
import type { Source, SourceOptions } from './Source.ts';

const TIME_FILES = ['times.txt', 'timestamps.txt'];
const GROUND_TRUTH_FILES = ['groundtruth.txt', 'groundtruth.tum'];
const DEFAULT_RATE_HZ = 20;

/** The folder of the images: `path` itself or `path`/images; undefined when neither holds any. */
export async function findImages(path: string): Promise<string | undefined> {
  for (const folder of [path, join(path, 'images')]) {
    if ((await exists(folder)) && (await readdir(folder)).some(isImageFile)) return folder;
  }
  return undefined;
}

/**
 * Opens a folder of images in natural order of their names. Beside them (or beside the folder images) may stand camera.yaml (calibration, and
 * `rate` or `rate_hz`), times.txt or timestamps.txt, and groundtruth.txt or groundtruth.tum (poses of the camera, TUM form).
 */
export async function openImageFolder(path: string, imageFolder: string, options: SourceOptions): Promise<Source> {
  const names = (await readdir(imageFolder)).filter(isImageFile).sort(naturalOrder);
  const cameraFile = join(path, 'camera.yaml');
  const hasCameraFile = await exists(cameraFile);
  const timeFile = await firstOf(path, TIME_FILES);
  const stamps =
    timeFile === undefined
      ? stampsFromNames(names, hasCameraFile ? await readRate(cameraFile) : DEFAULT_RATE_HZ)
      : stampsFromList(await readFile(timeFile, 'utf8'), names, timeFile);
  const groundTruthFile = await firstOf(path, GROUND_TRUTH_FILES);
  return openImages({
    kind: 'image folder',
    path,
    entries: names.map((name, index) => ({ stampNs: stamps[index]!, path: join(imageFolder, name) })),
    calibration: hasCameraFile && !options.skipCalibration ? await readCalibrationFile(cameraFile) : undefined,
    groundTruth: groundTruthFile === undefined ? undefined : await readPoses(groundTruthFile),
  });
}

async function firstOf(folder: string, names: readonly string[]): Promise<string | undefined> {
  for (const name of names) if (await exists(join(folder, name))) return join(folder, name);
  return undefined;
}

/** Images per second by the key `rate_hz` or `rate`. A file that is no YAML is left to the calibration reader to complain about. */
async function readRate(cameraFile: string): Promise<number> {
  const document: unknown = await readFile(cameraFile, 'utf8')
    .then(parse)
    .catch(() => undefined);
  const { rate_hz, rate } = (document ?? {}) as { rate_hz?: unknown; rate?: unknown };
  const value = rate_hz ?? rate ?? DEFAULT_RATE_HZ;
  if (typeof value === 'number' && value > 0 && Number.isFinite(value)) return value;
  throw new QpvoError('QPVO_CALIBRATION', {
    what: `the rate in ${cameraFile} is not usable`,
    expected: 'images per second, above 0',
    received: JSON.stringify(value),
    advice: 'Correct or remove the key.',
  });
}
