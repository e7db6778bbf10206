// SPDX-License-Identifier: MIT
import { readFile } from 'node:fs/promises';
import { messageOf, QpvoError } from '../error.ts';
import type { Pose } from '../odometry/Pose.ts';
import type { EstimatedPose } from './associate.ts';
import { parseStampS } from './stampText.ts';

export interface Trajectory {
  path: string;
  /** `TUM`: stamp_s tx ty tz qx qy qz qw. `ASL`: the state ground truth of EuRoC, stamp_ns,px,py,pz,qw,qx,qy,qz,...; its poses are those of the body (IMU). */
  format: 'TUM' | 'ASL';
  /** In the order of the file. `segment` is there when the file tells segments apart. */
  poses: EstimatedPose[];
}

/** A quaternion this far from unit length is no rounding but a wrong column. */
const UNIT_TOLERANCE = 0.05;

/**
 * Reads a trajectory: a TUM file (also with "# segment N" lines, as this program writes it) or the csv of an ASL / EuRoC ground truth, told apart by content.
 * @throws QPVO_NOT_FOUND when there is no such file, QPVO_EVALUATION with the line number when a line cannot be read or the file has no pose
 */
export async function readTrajectory(path: string): Promise<Trajectory> {
  return parseTrajectory(await readText(path), path);
}

/** @param path for messages */
export function parseTrajectory(text: string, path: string): Trajectory {
  const lines = text.replace(/^\uFEFF/, '').split(/\r\n|\n|\r/);
  const firstPose = lines.find((line) => line.trim() !== '' && !line.trimStart().startsWith('#'));
  const format = firstPose?.includes(',') ? 'ASL' : 'TUM';
  const poses: EstimatedPose[] = [];
  let segment: number | undefined;
  lines.forEach((raw, index) => {
    const line = raw.trim();
    const mark = /^#\s*segment\s+(\d+)/i.exec(line);
    if (mark) segment = Number(mark[1]);
    if (line === '' || line.startsWith('#')) return;
    const pose = format === 'ASL' ? parseAsl(line) : parseTum(line);
    if (typeof pose === 'string') throw unreadable(path, index + 1, format, pose, line);
    poses.push(segment === undefined ? pose : { ...pose, segment });
  });
  if (poses.length === 0) {
    throw new QpvoError('QPVO_EVALUATION', {
      what: `${path} holds no pose`,
      expected: 'lines of a TUM file or of an ASL ground truth csv',
      received: text.length === 0 ? 'an empty file' : 'comments and empty lines only',
    });
  }
  return { path, format, poses };
}

function parseTum(line: string): EstimatedPose | string {
  const fields = line.split(/\s+/);
  if (fields.length !== 8) return `${fields.length} fields`;
  const stampNs = parseStampS(fields[0]!);
  if (stampNs === undefined) return `the stamp "${fields[0]}"`;
  const pose = poseOf(fields.slice(1), [3, 4, 5, 6]);
  return typeof pose === 'string' ? pose : { stampNs, ...pose };
}

function parseAsl(line: string): EstimatedPose | string {
  const fields = line.split(',').map((field) => field.trim());
  if (fields.length < 8) return `${fields.length} fields`;
  if (!/^\d+$/.test(fields[0]!)) return `the stamp "${fields[0]}"`;
  const pose = poseOf(fields.slice(1, 8), [4, 5, 6, 3]);
  return typeof pose === 'string' ? pose : { stampNs: BigInt(fields[0]!), ...pose };
}

/** @param quaternionAt fields of qx qy qz qw */
function poseOf(fields: string[], quaternionAt: [number, number, number, number]): Pose | string {
  const numbers = fields.map((field) => (field === '' ? Number.NaN : Number(field)));
  const bad = numbers.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0) return `"${fields[bad]}" where a number should be`;
  const [x, y, z, w] = quaternionAt.map((i) => numbers[i]!) as [number, number, number, number];
  const norm = Math.hypot(x, y, z, w);
  if (Math.abs(norm - 1) > UNIT_TOLERANCE) return `a quaternion of length ${norm.toPrecision(4)}`;
  return { t: [numbers[0]!, numbers[1]!, numbers[2]!], q: [x / norm, y / norm, z / norm, w / norm] };
}

function unreadable(
  path: string,
  line: number,
  format: Trajectory['format'],
  problem: string,
  text: string,
): QpvoError {
  const shown = text.length > 80 ? `${text.slice(0, 80)}...` : text;
  return new QpvoError('QPVO_EVALUATION', {
    what: `${path}, line ${line}, cannot be read`,
    expected: format === 'ASL' ? 'stamp_ns,px,py,pz,qw,qx,qy,qz[,...]' : 'stamp_s tx ty tz qx qy qz qw',
    received: `${problem} in "${shown}"`,
    advice: 'Correct or remove that line.',
  });
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code;
    if (code === 'ENOENT') {
      throw new QpvoError('QPVO_NOT_FOUND', {
        what: `There is no trajectory ${path}`,
        advice: 'Check the path.',
        cause,
      });
    }
    throw new QpvoError('QPVO_EVALUATION', {
      what: `The trajectory ${path} cannot be read`,
      expected: 'a TUM file or an ASL ground truth csv',
      received: code === 'EISDIR' ? 'a folder' : messageOf(cause),
      advice:
        code === 'EISDIR'
          ? 'Name the file inside it, such as mav0/state_groundtruth_estimate0/data.csv.'
          : 'Check its permissions.',
      cause,
    });
  }
}
