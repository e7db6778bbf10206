// SPDX-License-Identifier: MIT
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../src/packageRoot.ts';
import { openSource } from '../src/sources/openSource.ts';

/** A recording that benchmarks use. */
export interface Recording {
  name: string;
  path: string;
  images: number;
  /** Mean time between images, seconds. */
  periodS: number;
}

/** A recording by its name and place, present or not. */
export interface RecordingPlace {
  name: string;
  path: string;
}

/** Recordings that are not part of the repository; they are looked for beside it. */
const outside = (name: string): RecordingPlace => ({
  name,
  path: join(packageRoot(), '..', 'shared', 'data', name),
});

/** EuRoC MH_05_difficult, 585 consecutive images of cam0, 752x480, 20 Hz, with ground truth. */
export const MH05: RecordingPlace = outside('euroc_mh05_585');
/** EuRoC MH_01_easy, 120 consecutive images of cam0 (and cam1), 752x480, 20 Hz, with ground truth. */
export const MH01: RecordingPlace = outside('euroc_mh01_stereo_120');
/** TartanAir, 201 consecutive images, 640x480, with poses, in the layout of that dataset. */
export const TARTANAIR: RecordingPlace = outside('tartanair_201');
export const DEMO: RecordingPlace = { name: 'demo', path: join(packageRoot(), 'demo', 'sequence') };

/** EuRoC MH_05; undefined, said loudly, when it is absent. */
export function mh05(): Promise<Recording | undefined> {
  return find(MH05);
}

/** The demo sequence of the repository; undefined, said loudly, when it is absent. */
export function demo(): Promise<Recording | undefined> {
  return find(DEMO);
}

/** Says loudly when a recording is absent. */
export function isPresent({ name, path }: RecordingPlace): boolean {
  if (existsSync(path)) return true;
  console.log(`*** SKIPPED: the recording ${name} is absent (looked for ${path}). ***`);
  return false;
}

async function find(place: RecordingPlace): Promise<Recording | undefined> {
  if (!isPresent(place)) return undefined;
  const { name, path } = place;
  const source = await openSource(path);
  const { imageCount = 0, firstStampNs = 0n, lastStampNs = 0n } = source.info;
  await source.close();
  return {
    name,
    path,
    images: imageCount,
    periodS: Number(lastStampNs - firstStampNs) / 1e9 / Math.max(1, imageCount - 1),
  };
}

/** The images of a run over the first `limit` images (all without a limit) at this stride, and the arguments of `qpvo run` for it. */
export function excerpt(
  recording: Recording,
  limit: number | undefined,
  stride = 1,
): { images: number; args: string[] } {
  const images = Math.min(limit ?? recording.images, recording.images);
  const end = images < recording.images ? ['--end', ((images - 0.5) * recording.periodS).toFixed(6)] : [];
  return { images: Math.ceil(images / stride), args: [recording.path, '--stride', `${stride}`, ...end] };
}
