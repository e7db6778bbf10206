// SPDX-License-Identifier: MIT
import { align } from '../../src/evaluation/alignment.ts';
import { IDENTITY, type Pose } from '../../src/odometry/Pose.ts';
import { compose, inverse, log } from '../../src/odometry/se3.ts';
import { covarianceInBase } from '../../src/ros/frames/poseCovariance.ts';
import type { LivePose } from './LivePose.ts';

/** The error of a live pose in the odom frame that begins at an earlier live pose of the same segment. Base and camera are one. */
export interface ErrorSample {
  /** Images since that pose. */
  horizon: number;
  /** Way since then by the estimate, metres. */
  distanceM: number;
  /** (t' - t, Log(R' R^T)) about the axes of odom: metres and radians, [6]. */
  error: Float64Array;
  T_odom_base: Pose;
  /** Raw covariance in metres and radians about the axes of the base, [6][6]. */
  inBase: Float64Array;
}

/** Images from the origin of odom to the pose: as many samples of short ways as of long ones. */
const HORIZONS = [1, 2, 4, 8, 15, 30, 60, 120, 240, 480];
/** Odom begins at every so many images. */
const ORIGIN_EVERY = 10;
const FEWEST_POSES = 30;

/** Metric poses of one segment: the one scale that fits the whole of it best; the drift of the scale stays an error. Empty when there are too few or nothing moves. */
function metricPoses(poses: readonly LivePose[]): { scale: number; estimates: Pose[] } {
  const aligned = align(
    poses.map(({ estimate }) => estimate.t),
    poses.map(({ truth }) => truth.t),
    'sim3',
  );
  if (!aligned.ok || poses.length < FEWEST_POSES) return { scale: 0, estimates: [] };
  const { scale } = aligned.alignment;
  const [x, y, z] = [0, 1, 2] as const;
  const estimates = poses.map(({ estimate: { t, q } }): Pose => ({ t: [scale * t[x], scale * t[y], scale * t[z]], q }));
  return { scale, estimates };
}

/** Samples of all origins and horizons within each segment of a run. */
export function errorSamples(run: readonly LivePose[]): ErrorSample[] {
  const segments = new Set(run.map(({ segment }) => segment));
  return [...segments].flatMap((segment) => samplesOf(run.filter((pose) => pose.segment === segment)));
}

function samplesOf(poses: readonly LivePose[]): ErrorSample[] {
  const { scale, estimates } = metricPoses(poses);
  if (estimates.length === 0) return [];
  const way = new Float64Array(poses.length);
  for (let i = 1; i < poses.length; i++) {
    way[i] = way[i - 1]! + Math.hypot(...compose(inverse(estimates[i - 1]!), estimates[i]!).t);
  }
  const inBase = poses.map(({ raw }) => covarianceInBase(raw, scale, IDENTITY));
  const samples: ErrorSample[] = [];
  for (let origin = 0; origin < poses.length; origin += ORIGIN_EVERY) {
    for (const horizon of HORIZONS) {
      const at = origin + horizon;
      if (at >= poses.length) break;
      const T_odom_base = compose(inverse(estimates[origin]!), estimates[at]!);
      const truth = compose(inverse(poses[origin]!.truth), poses[at]!.truth);
      const turn = log(compose({ t: [0, 0, 0], q: T_odom_base.q }, inverse({ t: [0, 0, 0], q: truth.q })));
      const error = Float64Array.of(...T_odom_base.t.map((v, i) => v - truth.t[i]!), turn[3], turn[4], turn[5]);
      samples.push({ horizon, distanceM: way[at]! - way[origin]!, error, T_odom_base, inBase: inBase[at]! });
    }
  }
  return samples;
}
