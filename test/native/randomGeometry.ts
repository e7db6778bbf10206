// SPDX-License-Identifier: MIT
import type { CpuOps } from '../../src/native/addon.ts';
import type { Pose } from '../../src/odometry/Pose.ts';
import { exp, rotate, type Tangent, type Vec3 } from '../../src/odometry/se3.ts';
import { CAMERA } from './adjustProblem.ts';
import { normal, random, WHOLE } from './makeOps.ts';

/** Random poses (standard deviation sigma) and patches with random depths in the first slots. Returns T_camera_world by slot. */
export async function randomGeometry(ops: CpuOps, slots: number, seed: number, sigma: number): Promise<Pose[]> {
  const next = random(seed);
  const poses: Pose[] = [];
  for (let slot = 0; slot < slots; slot++) {
    await ops.samplePatches(slot, seed, slot, 'random', -1, WHOLE);
    const pose = exp(Array.from({ length: 6 }, () => sigma * normal(next)) as Tangent);
    ops.buffers.poses.set([...pose.t, ...pose.q], 7 * slot);
    poses.push(pose);
  }
  return poses;
}

/** Grid coordinates of pixel (x, y) with inverse depth d after the motion; Z is held above 0.1 as the algorithm has it. */
export function project(G: Pose, x: number, y: number, d: number): [number, number] {
  const ray: Vec3 = [(x - CAMERA.cx) / CAMERA.fx, (y - CAMERA.cy) / CAMERA.fy, 1];
  const [X, Y, Z] = rotate(G.q, ray).map((v, i) => v + G.t[i]! * d) as Vec3;
  const z = Math.max(Z, 0.1);
  return [(CAMERA.fx * X) / z + CAMERA.cx, (CAMERA.fy * Y) / z + CAMERA.cy];
}
