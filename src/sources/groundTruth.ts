// SPDX-License-Identifier: MIT
import { readTrajectory } from '../evaluation/readTrajectory.ts';
import type { Pose, StampedPose } from '../odometry/Pose.ts';
import { compose } from '../odometry/se3.ts';

/** Poses of a TUM file or an ASL state estimate, oldest first. */
export async function readPoses(path: string): Promise<StampedPose[]> {
  const { poses } = await readTrajectory(path);
  return poses.sort((a, b) => (a.stampNs < b.stampNs ? -1 : Number(a.stampNs > b.stampNs)));
}

/** T_world_camera = T_world_body * T_body_camera, pose by pose. */
export function cameraPoses(T_world_body: readonly StampedPose[], T_body_camera: Pose): StampedPose[] {
  return T_world_body.map((body) => ({ stampNs: body.stampNs, ...compose(body, T_body_camera) }));
}

/** Pose from a row-major 4x4 matrix whose upper left is a rotation (Shepperd's method). */
export function poseFromMatrix(m: readonly number[]): Pose {
  const at = (row: number, column: number): number => m[row * 4 + column]!;
  const trace = at(0, 0) + at(1, 1) + at(2, 2);
  const squares = [0, 1, 2].map((i) => 1 + 2 * at(i, i) - trace);
  squares.push(1 + trace);
  const largest = squares.indexOf(Math.max(...squares));
  const [x, y, z] = [0, 1, 2].map((i) => at((i + 2) % 3, (i + 1) % 3) - at((i + 1) % 3, (i + 2) % 3));
  let q: [number, number, number, number];
  if (largest === 3) {
    q = [x!, y!, z!, squares[3]!];
  } else {
    const sum = (i: number): number => (i === largest ? squares[i]! : at(i, largest) + at(largest, i));
    q = [sum(0), sum(1), sum(2), [x!, y!, z!][largest]!];
  }
  const norm = Math.hypot(...q);
  return { t: [at(0, 3), at(1, 3), at(2, 3)], q: [q[0] / norm, q[1] / norm, q[2] / norm, q[3] / norm] };
}
