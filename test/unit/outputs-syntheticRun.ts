// SPDX-License-Identifier: MIT
import type { EstimatedPose } from '../../src/evaluation/associate.ts';
import type { Pose, StampedPose } from '../../src/odometry/Pose.ts';
import { compose, exp, inverse, type Quat, transform, type Vec3 } from '../../src/odometry/se3.ts';
import type { FinalPose, FinishResult, MapPoint, TrackingState, TrackResult } from '../../src/odometry/types.ts';
import type { OutputContext } from '../../src/outputs/OutputContext.ts';
import type { RunSummary } from '../../src/outputs/RunSummary.ts';

/** A made-up run: a camera flies a loop and a half, tracking is lost once, a second segment with another scale follows. */
export interface SyntheticRun {
  results: TrackResult[];
  end: FinishResult;
  summary: RunSummary;
  /** T_world_camera, world z up, 100 Hz. */
  groundTruth: StampedPose[];
  context: OutputContext;
}

const FIRST_NS = 1_403_638_538_000_000_007n;
const STEP_NS = 50_000_000n;
/** Frames between a frame and its final pose. */
const DELAY = 12;

/** Repeatable noise in [-1, 1]. */
export function noise(seed: number): number {
  const x = Math.sin(seed * 12.9898 + 78.233) * 43758.5453;
  return 2 * (x - Math.floor(x)) - 1;
}

/** Camera pose on the loop at a time: looking ahead, image columns downwards. */
export function truthAt(seconds: number): Pose {
  const a = (seconds / 17) * 2 * Math.PI;
  const t: Vec3 = [4.2 * Math.cos(a) + 1, 2.4 * Math.sin(a) + 0.5 * Math.sin(2 * a), 1.4 + 0.35 * Math.sin(1.5 * a)];
  const heading = Math.atan2(2.4 * Math.cos(a) + Math.cos(2 * a), -4.2 * Math.sin(a));
  const upright: Quat = [-0.5, 0.5, -0.5, 0.5];
  const look = compose(exp([0, 0, 0, 0, 0, heading]), exp([0, 0, 0, 0, 0.05 * Math.sin(3 * a), 0]));
  return { t, q: compose(look, { t: [0, 0, 0], q: upright }).q };
}

function stateOf(frame: number): [TrackingState, string] {
  if (frame < 8) return ['INITIALIZING', ''];
  if (frame < 200) return ['TRACKING', ''];
  if (frame < 216) return ['DEGRADED', 'inlier share 0.41 is below 0.5'];
  if (frame < 280) return ['TRACKING', ''];
  if (frame < 310) return ['LOST', 'inlier share below 0.2 over 5 frames <motion blur & darkness>'];
  if (frame < 331) return ['INITIALIZING', ''];
  return ['TRACKING', ''];
}

/** The estimate: another world, another scale per segment, slow drift and small noise. */
function estimateAt(frame: number, segment: number): Pose {
  const scale = segment === 0 ? 0.42 * (1 + 0.0003 * frame) : 0.36;
  const truth = compose(inverse(truthAt(0.4)), truthAt(frame * 0.05));
  const wobble = exp([0, 0, 0, 0.01 * Math.sin(frame / 60), 0.012 * Math.sin(frame / 85), 0.004 * noise(frame)]);
  const moved = compose(wobble, truth);
  const t = moved.t.map((v, k) => scale * (v + 0.02 * noise(frame * 3 + k))) as Vec3;
  return { t, q: moved.q };
}

function mapPoints(frame: number, segment: number): MapPoint[] {
  return Array.from({ length: 6 }, (_, k) => {
    const depth = 1.2 + noise(frame * 7 + k);
    const ray: Vec3 = [depth * noise(frame * 11 + k), 0.6 * depth * noise(frame * 13 + k), depth];
    const [x, y, z] = transform(estimateAt(frame, segment), ray);
    const grey = Math.round(127 + 120 * noise(frame + k));
    return { x, y, z, r: grey, g: grey, b: 255 - grey, segment };
  });
}

export function syntheticRun(frames = 500): SyntheticRun {
  const finals: FinalPose[] = [];
  const results = Array.from({ length: frames }, (_, frame): TrackResult => {
    const [state, reason] = stateOf(frame);
    const segment = frame < 310 ? 0 : 1;
    const stampNs = FIRST_NS + BigInt(frame) * STEP_NS;
    const tracking = state === 'TRACKING' || state === 'DEGRADED';
    const T_world_camera = tracking ? estimateAt(frame, segment) : undefined;
    const isKeyframe = tracking && frame % 4 === 0;
    if (T_world_camera) finals.push({ stampNs, sequence: frame, T_world_camera, segment, isKeyframe });
    const skipped = false;
    const weak = state === 'DEGRADED' ? 0.35 : 0;
    const ready = finals.filter((pose) => pose.sequence === frame - DELAY);
    const latencyMs = 112 + 14 * noise(frame) + (isKeyframe ? 18 : 0) + (frame % 97 === 0 ? 70 : 0);
    return {
      sequence: frame,
      stampNs,
      state,
      reason,
      skipped,
      segment,
      T_world_camera,
      poseCovariance: undefined,
      isKeyframe,
      init: state === 'INITIALIZING' ? initOf(frame) : undefined,
      health: tracking
        ? {
            medianConfidence: 0.72 - weak + 0.06 * noise(frame),
            residualPx: 0.4,
            inlierShare: 0.86 - weak + 0.05 * noise(frame + 5),
          }
        : undefined,
      finalPoses: ready,
      finalPoints: isKeyframe ? mapPoints(frame, segment) : [],
      pairs: tracking ? 247 : 0,
      stagesMs: { wait: 6, encode: 45, update: 40 },
      latencyMs,
    };
  });
  const groundTruth: StampedPose[] = Array.from({ length: frames * 5 + 1 }, (_, i) => ({
    stampNs: FIRST_NS + BigInt(i) * 10_000_000n,
    ...truthAt(i * 0.01),
  }));
  return {
    results,
    end: { finalPoses: finals.filter((pose) => pose.sequence >= frames - DELAY), finalPoints: mapPoints(frames, 1) },
    summary: summaryOf(frames, finals),
    groundTruth,
    context: {
      sourceName: 'loop <b>& a half</b>',
      groundTruth,
      calibration: {
        width: 640,
        height: 480,
        fx: 320,
        fy: 320,
        cx: 320,
        cy: 240,
        model: 'none',
        coefficients: [],
        origin: 'made up',
      },
    },
  };
}

function initOf(frame: number): TrackResult['init'] {
  return {
    acceptedFrames: frame % 8,
    neededFrames: 8,
    medianFlowPx: frame === 0 ? undefined : 1.2,
    neededFlowPx: 2,
    waitingFor: 'move the camera sideways',
  };
}

function summaryOf(frames: number, finals: FinalPose[]): RunSummary {
  return {
    source: '/recordings/loop_and_a_half/mav0',
    frames,
    tracked: finals.length,
    lost: frames - finals.length,
    skipped: 2,
    keyframes: finals.filter((pose) => pose.isKeyframe).length,
    segments: [0, 1].map((segment) => {
      const own = finals.filter((pose) => pose.segment === segment);
      return {
        segment,
        firstStampNs: String(own[0]?.stampNs ?? ''),
        lastStampNs: String(own.at(-1)?.stampNs ?? ''),
        frames: own.length,
        keyframes: own.filter((pose) => pose.isKeyframe).length,
      };
    }),
    fps: 8.4,
    latencyMs: { p50: 113, p95: 138, p99: 182 },
    pairs: 247,
    stagesMs: {
      wait: 6.1,
      prepare: 2.4,
      encode: 44.8,
      insert: 0.9,
      correlate: 14.3,
      update: 39.7,
      bundleAdjust: 7.6,
      commit: 0.6,
    },
    peakRssMb: 412,
    profile: 'cpu_fast',
    model: 'small',
    seed: 1,
    incomplete: false,
    host: { cpu: 'Example CPU @ 2.60GHz', cores: 2, memoryMb: 7960, os: 'Linux 6.1 x64', node: 'v20.20.2' },
    version: '0.1.0',
  };
}

/** The final poses of a run, as an evaluation takes them. */
export function finalPosesOf(run: SyntheticRun): EstimatedPose[] {
  return [...run.results.flatMap((result) => result.finalPoses), ...run.end.finalPoses].map((pose) => ({
    stampNs: pose.stampNs,
    segment: pose.segment,
    ...pose.T_world_camera,
  }));
}
