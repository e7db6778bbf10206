// SPDX-License-Identifier: MIT
import { IDENTITY, type Pose } from '../../../src/odometry/Pose.ts';
import { compose, exp, inverse, type Tangent, type Vec3 } from '../../../src/odometry/se3.ts';
import type { ScaleEstimator } from '../../../src/ros/frames/ScaleEstimator.ts';
import { type Chance, FORWARD, ms } from './frames-geometry.ts';

export interface Drive {
  /** Velocity of base_link (m/s, rad/s) at a time, seconds. */
  twist(seconds: number): Tangent;
  T_base_camera: Pose;
  /** Metres per unit of the visual odometry. */
  scale: number;
}

/** Arcs to the left and right at 0.8 m/s. */
export const ARCS = (seconds: number): Tangent => [0.8, 0, 0, 0, 0, 0.5 * Math.sin(seconds)];

export const ON_A_MAST: Pose = { t: [0.6, 0.1, 0.8], q: FORWARD };

const STEP_MS = 5;

/** True poses of base_link every 5 ms. */
export function truth(drive: Drive, seconds: number): Pose[] {
  const poses = [IDENTITY as Pose];
  for (let k = 1; k <= (1000 * seconds) / STEP_MS; k++) {
    const xi = drive.twist(((k - 0.5) * STEP_MS) / 1000).map((v) => (v * STEP_MS) / 1000) as Tangent;
    poses.push(compose(poses.at(-1)!, exp(xi)));
  }
  return poses;
}

export interface Run {
  drive: Drive;
  seconds: number;
  startMs?: number;
  segment?: number;
  /** What becomes of a wheel odometry pose before it is told; undefined: lost. */
  reference?: (T_odom_base: Pose, atMs: number) => Pose | undefined;
  visual?: (T_world_camera: Pose, atMs: number) => Pose | undefined;
  /** The reference comes this much later than the images of the same stamp. */
  delayMs?: number;
  /** Whatever else happens, after each event. */
  disturb?: (atMs: number) => void;
}

/** Wheel odometry at 50 Hz (stamps off the images'), images at 30 Hz. */
export function play(estimator: ScaleEstimator, run: Run): void {
  const { drive, segment = 0, startMs = 0, delayMs = 0 } = run;
  const poses = truth(drive, run.seconds);
  const events: { atMs: number; tell(): void }[] = [];
  poses.forEach((T_odom_base, k) => {
    const atMs = k * STEP_MS;
    if (k % 4 === 1) {
      const told = run.reference === undefined ? T_odom_base : run.reference(T_odom_base, atMs);
      if (told) events.push({ atMs: atMs + delayMs, tell: () => estimator.addReference(ms(startMs + atMs), told) });
    }
    if (k % 7 === 3) {
      const seen = image(T_odom_base, drive);
      const told = run.visual === undefined ? seen : run.visual(seen, atMs);
      if (told) events.push({ atMs, tell: () => estimator.addVisual(ms(startMs + atMs), segment, told) });
    }
  });
  for (const { atMs, tell } of events.toSorted((a, b) => a.atMs - b.atMs)) {
    tell();
    run.disturb?.(atMs);
  }
}

/** T_world_camera in units; a world of its own. */
function image(T_odom_base: Pose, { T_base_camera, scale }: Drive): Pose {
  const metric = compose(inverse(T_base_camera), compose(T_odom_base, T_base_camera));
  return { t: metric.t.map((v) => v / scale) as Vec3, q: metric.q };
}

/** Noise of this standard deviation on the position. */
export function shaken(pose: Pose, deviation: number, chance: Chance): Pose {
  return { t: pose.t.map((v) => v + deviation * chance.normal()) as Vec3, q: pose.q };
}
