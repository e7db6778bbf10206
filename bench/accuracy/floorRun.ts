// SPDX-License-Identifier: MIT
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { messageOf, QpvoError } from '../../src/error.ts';
import { parseTrajectory } from '../../src/evaluation/readTrajectory.ts';
import { formatStampS } from '../../src/evaluation/stampText.ts';
import { packageRoot } from '../../src/packageRoot.ts';
import { type Case, imagesOf } from './Case.ts';
import type { RunOutcome } from './productRun.ts';
import type { Runner } from './RunRecord.ts';
import { trajectoryErrors } from './trajectoryErrors.ts';

const call = promisify(execFile);
const FOLDER = join(packageRoot(), 'bench', 'floor');
const PROGRAM = join(FOLDER, 'klt_vo.py');

/** KLT tracks, essential matrix and PnP with OpenCV: what odometry reaches without learning and without bundle adjustment. */
export interface Floor extends Runner {
  python: string;
}

/** What the program of the floor says at its end. */
interface FloorReport {
  images: number;
  withPose: number;
  segments: number;
  fps: number;
}

/** The floor with the Python of QPVO_PYTHON, else python3; undefined, said loudly, when that has no OpenCV. */
export async function findFloor(python: string = process.env.QPVO_PYTHON ?? 'python3'): Promise<Floor | undefined> {
  try {
    const { stdout } = await call(python, ['-c', 'import cv2, numpy; print(cv2.__version__)']);
    const model = `OpenCV ${stdout.trim()}`;
    return { contender: 'floor', profile: 'klt_pnp', settings: '', model, checksum: await programChecksum(), python };
  } catch (error) {
    console.log(
      `*** SKIPPED: the floor needs a Python with cv2 and numpy; ${python} is none (${lastLine(error)}). Name one with QPVO_PYTHON. ***`,
    );
    return undefined;
  }
}

async function programChecksum(): Promise<string> {
  const hash = createHash('sha256');
  const names = (await readdir(FOLDER)).filter((name) => name.endsWith('.py')).sort();
  for (const name of names) hash.update(await readFile(join(FOLDER, name)));
  return hash.digest('hex').slice(0, 16);
}

/** @param alone whether the run has the machine for itself */
export async function runFloor(entry: Case, floor: Floor, seed: number, alone: boolean): Promise<RunOutcome> {
  const folder = await mkdtemp(join(tmpdir(), 'qpvo-floor-'));
  try {
    const request = join(folder, 'request.json');
    const trajectory = join(folder, 'trajectory.tum');
    await writeFile(request, JSON.stringify(floorRequest(entry)));
    const options = ['--seed', `${seed}`, '--threads', alone ? '0' : '1'];
    const { stdout } = await call(floor.python, [PROGRAM, request, trajectory, ...options]).catch(refuse);
    const { images, withPose, segments, fps } = JSON.parse(stdout) as FloorReport;
    const { groundTruth, medianDepthM } = entry.sequence;
    const poses = withPose === 0 ? [] : parseTrajectory(await readFile(trajectory, 'utf8'), trajectory).poses;
    const errors = trajectoryErrors(poses, groundTruth, medianDepthM);
    return {
      consumed: images,
      withPose,
      segments,
      states: {},
      lost: segments !== 1,
      ...(errors && { errors }),
      ...(alone ? { fps } : {}),
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function refuse(error: unknown): never {
  throw new QpvoError('QPVO_INTERNAL', {
    what: 'the program of the floor failed',
    received: lastLine(error),
    cause: error,
  });
}

function lastLine(error: unknown): string {
  return messageOf(error).trim().split('\n').at(-1) ?? '';
}

/** What the program of the floor reads. Stamps are texts of seconds, which it writes back as they are. */
export function floorRequest(entry: Case): object {
  const { fx, fy, cx, cy, model, coefficients } = entry.sequence.calibration;
  return {
    images: imagesOf(entry).map(({ path, stampNs }) => ({ path, stamp: formatStampS(stampNs) })),
    intrinsics: [fx, fy, cx, cy],
    distortion: { model, coefficients },
  };
}
