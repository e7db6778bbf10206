// SPDX-License-Identifier: MIT
import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { QpvoError } from '../../src/error.ts';
import { formatStampS } from '../../src/evaluation/stampText.ts';
import type { Pose } from '../../src/odometry/Pose.ts';
import { compose } from '../../src/odometry/se3.ts';
import { isImageFile } from '../../src/sources/imageFiles.ts';
import { naturalOrder } from '../../src/sources/naturalOrder.ts';

/** The dataset has no stamps; image number i is taken to be at i / 20 Hz. */
const PERIOD_NS = 50_000_000n;
/** All of TartanAir: 640x480, 90 degrees, no distortion. */
const CAMERA = `camera_model: pinhole
intrinsics: [320.0, 320.0, 320.0, 240.0]
distortion_model: none
distortion_coefficients: []
resolution: [640, 480]
rate_hz: 20
`;
/** Pose of the optical frame (x right, y down, z forward) in the camera frame of the dataset (x forward, y right, z down). */
const T_ned_optical: Pose = { t: [0, 0, 0], q: [0.5, 0.5, 0.5, 0.5] };

/** Poses of the optical frame from the lines "x y z qx qy qz qw" of a TartanAir pose file. The world stays NED: alignment takes care of it. */
export function parseTartanPoses(text: string, origin: string): Pose[] {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  return lines.map((line, index) => {
    const numbers = line.trim().split(/\s+/).map(Number);
    if (numbers.length !== 7 || !numbers.every(Number.isFinite)) {
      throw new QpvoError('QPVO_SOURCE_CORRUPT', {
        what: `${origin}, line ${index + 1}, is no pose`,
        expected: 'x y z qx qy qz qw',
        received: line.slice(0, 80),
      });
    }
    const [x, y, z, qx, qy, qz, qw] = numbers as [number, number, number, number, number, number, number];
    return compose({ t: [x, y, z], q: [qx, qy, qz, qw] }, T_ned_optical);
  });
}

/**
 * Writes a folder that `qpvo run` can open for a sequence in the TartanAir layout (image_left/000000_left.png or 000000.jpg and so on, pose_left.txt
 * with a line for each number, also for images that are not there): the images linked, camera.yaml, times.txt, groundtruth.tum.
 *
 * @throws QpvoError QPVO_SOURCE_CORRUPT when an image has no pose
 */
export async function writeTartanFolder(folder: string, dataset: string): Promise<void> {
  const from = resolve(dataset);
  const poseFile = join(from, 'pose_left.txt');
  const poses = parseTartanPoses(await readFile(poseFile, 'utf8'), poseFile);
  const names = (await readdir(join(from, 'image_left'))).filter(isImageFile).sort(naturalOrder);
  const images = names.map((name) => {
    const number = Number.parseInt(name, 10);
    return { name, pose: poses[number] ?? missingPose(poseFile, name, poses.length), stamp: stampText(number) };
  });
  await mkdir(folder, { recursive: true });
  await symlink(join(from, 'image_left'), join(folder, 'images'));
  await writeFile(join(folder, 'camera.yaml'), CAMERA);
  await writeFile(join(folder, 'times.txt'), images.map(({ name, stamp }) => `${stamp} ${name}\n`).join(''));
  const lines = images.map(({ pose, stamp }) => `${stamp} ${[...pose.t, ...pose.q].join(' ')}\n`);
  await writeFile(join(folder, 'groundtruth.tum'), lines.join(''));
}

function stampText(number: number): string {
  return formatStampS(BigInt(number) * PERIOD_NS);
}

function missingPose(poseFile: string, name: string, lines: number): never {
  throw new QpvoError('QPVO_SOURCE_CORRUPT', {
    what: `${poseFile} has no pose for the image ${name}`,
    expected: 'a line for each image number, the first for 0',
    received: `${lines} lines`,
  });
}
