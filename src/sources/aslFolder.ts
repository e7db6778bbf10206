// SPDX-License-Identifier: MIT
// EuRoC / ASL dataset layout: mav0/cam0/{data/, data.csv, sensor.yaml}, mav0/state_groundtruth_estimate0/data.csv.
import { readdir, readFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { parse } from 'yaml';
import { readCalibrationFile } from '../camera/readCalibration.ts';
import { QpvoError } from '../error.ts';
import type { Pose, StampedPose } from '../odometry/Pose.ts';
import { exists } from './exists.ts';
import { type ImageEntry, openImages } from './FolderSource.ts';
import { cameraPoses, poseFromMatrix, readPoses } from './groundTruth.ts';
import { isImageFile } from './imageFiles.ts';
import { naturalOrder } from './naturalOrder.ts';
import type { FrameFault, Source, SourceOptions } from './Source.ts';

/** Folders of mav0 that hold poses of the body in the ASL form: EuRoC, TUM-VI. */
const GROUND_TRUTH_FOLDERS = ['state_groundtruth_estimate0', 'mocap0'];

/**
 * The camera folder that `path` means, being the folder with mav0, mav0 itself or a camera's own folder; undefined for any other folder.
 *
 * @param camera name of the camera's folder; default the one that `path` is, else cam0
 */
export async function findAslCamera(path: string, camera?: string): Promise<string | undefined> {
  const here = resolve(path);
  const isCamera = isCameraName(basename(here));
  const wanted = camera ?? (isCamera ? basename(here) : 'cam0');
  const mav0 = isCamera ? dirname(here) : (await exists(join(here, 'mav0'))) ? join(here, 'mav0') : here;
  if (isCameraName(wanted) && (await exists(join(mav0, wanted, 'data')))) return join(mav0, wanted);
  if (basename(mav0) !== 'mav0') return undefined;
  throw noSuchCamera(mav0, wanted, await readdir(mav0));
}

function isCameraName(name: string): boolean {
  return /^cam\d+$/.test(name);
}

/**
 * Opens one camera of an ASL folder. Ground truth is brought from the body to the camera by T_BS of the camera's sensor.yaml, without which there is
 * none.
 */
export async function openAslFolder(camera: string, options: SourceOptions): Promise<Source> {
  const sensorFile = join(camera, 'sensor.yaml');
  const hasSensorFile = await exists(sensorFile);
  const T_body_camera = hasSensorFile ? await readExtrinsics(sensorFile) : undefined;
  return openImages({
    kind: 'EuRoC / ASL folder',
    path: camera,
    entries: await listImages(camera),
    calibration: hasSensorFile && !options.skipCalibration ? await readCalibrationFile(sensorFile) : undefined,
    groundTruth: T_body_camera && (await readGroundTruth(dirname(camera), T_body_camera)),
    T_body_camera,
  });
}

/** As data.csv lists them; without it, all images named by their stamp in nanoseconds. */
async function listImages(camera: string): Promise<(ImageEntry | FrameFault)[]> {
  const list = join(camera, 'data.csv');
  if (await exists(list)) return listedImages(camera, await readFile(list, 'utf8'));
  const names = (await readdir(join(camera, 'data'))).filter((name) => isImageFile(name) && /^\d+\./.test(name));
  return names.sort(naturalOrder).map((name) => ({
    stampNs: BigInt(name.slice(0, name.indexOf('.'))),
    path: join(camera, 'data', name),
  }));
}

function listedImages(camera: string, list: string): (ImageEntry | FrameFault)[] {
  const entries: (ImageEntry | FrameFault)[] = [];
  for (const [index, line] of list.split('\n').entries()) {
    const content = line.trim();
    if (content === '' || content.startsWith('#')) continue;
    const [, stamp, name] = /^(\d+)\s*,\s*(\S.*)$/.exec(content) ?? [];
    entries.push(
      stamp === undefined || name === undefined
        ? {
            stampNs: undefined,
            fault: `line ${index + 1} of data.csv is not "stamp in ns,file name": ${content.slice(0, 80)}`,
          }
        : { stampNs: BigInt(stamp), path: join(camera, 'data', name) },
    );
  }
  return entries;
}

async function readGroundTruth(mav0: string, T_body_camera: Pose): Promise<StampedPose[] | undefined> {
  const T_world_body = await readBodyPoses(mav0);
  return T_world_body && cameraPoses(T_world_body, T_body_camera);
}

async function readBodyPoses(mav0: string): Promise<StampedPose[] | undefined> {
  for (const folder of GROUND_TRUTH_FOLDERS) {
    const path = join(mav0, folder, 'data.csv');
    if (await exists(path)) return readPoses(path);
  }
  const tum = (await readdir(mav0)).filter((name) => /^groundtruth_tum_.*\.txt$/.test(name)).sort(naturalOrder)[0];
  return tum === undefined ? undefined : readPoses(join(mav0, tum));
}

/** T_BS of a sensor.yaml: the pose of the sensor in the body frame; undefined when it has none. That it is no YAML is for the calibration reader to say. */
async function readExtrinsics(sensorFile: string): Promise<Pose | undefined> {
  const document: unknown = await readFile(sensorFile, 'utf8')
    .then(parse)
    .catch(() => undefined);
  const data = (document as { T_BS?: { data?: unknown } } | null | undefined)?.T_BS?.data;
  const isMatrix = Array.isArray(data) && data.length === 16 && data.every((value) => Number.isFinite(value));
  return isMatrix ? poseFromMatrix(data as number[]) : undefined;
}

function noSuchCamera(mav0: string, camera: string, names: readonly string[]): QpvoError {
  const cameras = names.filter(isCameraName).sort(naturalOrder);
  return new QpvoError(cameras.length === 0 ? 'QPVO_SOURCE_EMPTY' : 'QPVO_TOPIC', {
    what: `no camera ${camera} in ${mav0}`,
    expected: `a folder ${camera} that holds a folder data of images`,
    received: names.length === 0 ? 'an empty folder' : names.join(', '),
    advice: cameras.length === 0 ? '' : 'Choose a camera with --topic.',
  });
}
