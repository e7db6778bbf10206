// SPDX-License-Identifier: MIT
import type { Pose } from './Pose.ts';

/** INITIALIZING: no pose yet. TRACKING: healthy. DEGRADED: a pose, but the evidence is weak. LOST: no pose; re-initialisation follows by itself. */
export type TrackingState = 'INITIALIZING' | 'TRACKING' | 'DEGRADED' | 'LOST';

/** Evidence behind the tracking state, over the edges of the optimisation window. */
export interface Health {
  /** Median over edges of the mean of both confidences, 0..1. */
  medianConfidence: number;
  /** Confidence-weighted mean reprojection residual after bundle adjustment, network-image pixels. */
  residualPx: number;
  /** Share of confident edges whose residual is below the inlier threshold, 0..1. */
  inlierShare: number;
}

/** Progress of initialisation and why it is not there yet. */
export interface InitProgress {
  acceptedFrames: number;
  neededFrames: number;
  /** Median flow of the last frame against the last accepted one, network-image pixels; undefined on the first frame. */
  medianFlowPx: number | undefined;
  neededFlowPx: number;
  /** Text for people: what is missing, such as "move the camera sideways". */
  waitingFor: string;
}

/** A pose that no later frame will change. Frames come in stamp order, each once. */
export interface FinalPose {
  stampNs: bigint;
  /** Running number of the frame among those given to track(). */
  sequence: number;
  T_world_camera: Pose;
  segment: number;
  isKeyframe: boolean;
}

/** A point of the sparse map in the world frame, with its colour. */
export interface MapPoint {
  x: number;
  y: number;
  z: number;
  r: number;
  g: number;
  b: number;
  segment: number;
}

/**
 * wait: waiting for the source, which decodes ahead. The others are work on the frame. On a GPU those before readBack are the time to give it the work, and readBack is
 * the time until it is done.
 */
export type Stage =
  | 'wait'
  | 'prepare'
  | 'encode'
  | 'insert'
  | 'correlate'
  | 'update'
  | 'bundleAdjust'
  | 'readBack'
  | 'commit';

/** What is known after one frame. Plain data: it may be kept. */
export interface TrackResult {
  sequence: number;
  stampNs: bigint;
  state: TrackingState;
  /** True when the frame could not be used (its stamp repeats or goes back, another image size): it changed nothing. */
  skipped: boolean;
  /** Why the state is DEGRADED or LOST, what initialisation waits for, or why the frame was skipped; empty when TRACKING. */
  reason: string;
  /** The segment this frame belongs to, from 0; each re-initialisation starts another. Scale is only common within a segment. */
  segment: number;
  /** Live estimate of this frame; undefined while INITIALIZING or LOST. Continuous over segments. */
  T_world_camera: Pose | undefined;
  /**
   * [6][6] row-major: covariance of xi = (translation, rotation) in T_camera_world' = Exp(xi) T_camera_world of this frame, camera axes, units of the segment and
   * radians. The newest block of the inverse of the reduced camera system of the last bundle adjustment, whose fixed poses count as exact: it knows
   * nothing of drift. Undefined while there is no pose, and when the last bundle adjustment could not be solved.
   */
  poseCovariance: Float64Array | undefined;
  isKeyframe: boolean;
  init: InitProgress | undefined;
  health: Health | undefined;
  /** Poses that became final with this frame. */
  finalPoses: FinalPose[];
  /** Map points that became final with this frame. */
  finalPoints: MapPoint[];
  /** (source, target) frame pairs of the last update on this frame; 0 when there was none. */
  pairs: number;
  /** Time spent per stage on this frame. */
  stagesMs: Partial<Record<Stage, number>>;
  /** From image in hand to pose, milliseconds. */
  latencyMs: number;
}

/** What remains at the end of a run. */
export interface FinishResult {
  finalPoses: FinalPose[];
  finalPoints: MapPoint[];
}
