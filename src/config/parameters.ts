// SPDX-License-Identifier: MIT
import { choice, flag, integer, number, type ParameterSpec, type ValueOf } from './parameterSpec.ts';

const WINDOWS = 'Windows';
const KEYFRAMES = 'Keyframes and motion';
const INITIALIZATION = 'Initialisation';
const SOLVER = 'Updates';
const HEALTH = 'Tracking state';
const MASK = 'Image mask';
const RUN = 'Run';

/**
 * THE table: every parameter of the odometry and its default, written once. Profiles and the command line only override it.
 * Thresholds in pixels are pixels of the network image when it is 640 px wide; they grow with its width.
 */
export const PARAMETERS = {
  patchesPerFrame: integer(48, [8, 256], {
    group: WINDOWS,
    text: 'Patches sampled from each frame. The publication uses 96 (default) and 48 (fast).',
  }),
  removalWindow: integer(16, [6, 64], {
    group: WINDOWS,
    unit: 'keyframes',
    text: 'Patches of keyframes older than this are retired. The publication uses 22 (default) and 16 (fast).',
  }),
  optimizationWindow: integer(7, [2, 32], {
    group: WINDOWS,
    unit: 'keyframes',
    text: 'How many of the newest poses bundle adjustment moves. The publication uses 10 (default) and 7 (fast).',
  }),
  patchLifetime: integer(11, [3, 32], {
    group: WINDOWS,
    unit: 'keyframes',
    text: 'How far in time a patch is matched, forward and backward. The publication uses 13 (default) and 11 (fast).',
  }),
  patchSelection: choice('gradient', ['random', 'gradient', 'mixed'], {
    group: WINDOWS,
    text: 'Where patches are taken: the strongest image gradient among three times as many random places, uniformly at random (the publication), or one half each. Uniformly wastes patches on an empty sky; by gradient they may crowd on few edges. Until initialisation gradient means mixed.',
  }),

  keyframeIndex: integer(4, [2, 10], {
    group: KEYFRAMES,
    unit: 'keyframes',
    text: 'Which frame, counted back from the newest, is tested for removal after each update.',
  }),
  keyframeThresholdPx: number(30, [0, 200], {
    group: KEYFRAMES,
    unit: 'px at 640 px width',
    text: 'The tested frame is removed when the mean flow between its neighbours is below this. 0 keeps every frame. The publication uses 60.',
  }),
  motionModel: choice('damped_linear', ['damped_linear', 'constant_position'], {
    group: KEYFRAMES,
    text: 'First guess of the pose of a new frame: the last motion damped, or the last pose.',
  }),
  motionDamping: number(0.5, [0, 1], {
    group: KEYFRAMES,
    text: 'Share of the last motion (scaled by the ratio of the time steps) that damped_linear assumes to go on.',
  }),

  initFrames: integer(8, [6, 16], {
    group: INITIALIZATION,
    unit: 'frames',
    text: 'Frames with enough motion that are collected before the first pose.',
  }),
  initMotionThresholdPx: number(2, [0, 50], {
    group: INITIALIZATION,
    unit: 'px at 640 px width',
    text: 'Median flow that a frame needs against the last accepted one to be collected. The publication uses 8.',
  }),
  initMinConfidence: number(0.006, [0, 1], {
    group: INITIALIZATION,
    text: 'Median confidence that a frame needs against the last accepted one: below it the images show different things, and collecting starts anew.',
  }),
  initAcceptConfidence: number(0.2, [0, 1], {
    group: INITIALIZATION,
    text: 'Median confidence that the newest frame needs after the first updates: below it the frames do not explain each other, and collecting starts anew.',
  }),
  initUpdates: integer(12, [1, 50], {
    group: INITIALIZATION,
    text: 'Update iterations when the frames are complete.',
  }),

  updatesPerFrame: integer(1, [1, 8], { group: SOLVER, text: 'Update iterations after each frame.' }),
  finalUpdates: integer(12, [0, 50], { group: SOLVER, text: 'Update iterations at the end of a run.' }),
  bundleAdjustIterations: integer(2, [1, 10], {
    group: SOLVER,
    text: 'Gauss-Newton iterations of bundle adjustment in each update.',
  }),

  inlierThresholdPx: number(4, [0.1, 100], {
    group: HEALTH,
    unit: 'px at 640 px width',
    text: 'An edge is an inlier when its reprojection residual is below this.',
  }),
  minConfidence: number(0.1, [0, 1], {
    group: HEALTH,
    text: 'Edges below this confidence do not count as evidence for or against tracking.',
  }),
  degradedInlierShare: number(0.25, [0, 1], {
    group: HEALTH,
    text: 'A frame is DEGRADED when less than this share of the patches seen in it agree with its motion.',
  }),
  lostInlierShare: number(0.04, [0, 1], {
    group: HEALTH,
    text: 'Tracking is LOST when less than this share of the patches that join the last lostFrames images with the older ones agree with the motion.',
  }),
  lostFrames: integer(5, [1, 100], {
    group: HEALTH,
    unit: 'frames',
    text: 'Images that must fail to match those before them until tracking is LOST; they get no pose.',
  }),
  autoReinitialize: flag(true, {
    group: HEALTH,
    text: 'Start a new segment by itself after LOST. When false, the rest of the run stays LOST.',
  }),

  maskTopPx: integer(0, [0, 10000], {
    group: MASK,
    unit: 'px of the recorded image',
    text: 'No patch is sampled in so many rows at the top.',
  }),
  maskBottomPx: integer(0, [0, 10000], {
    group: MASK,
    unit: 'px of the recorded image',
    text: 'No patch is sampled in so many rows at the bottom.',
  }),
  maskLeftPx: integer(0, [0, 10000], {
    group: MASK,
    unit: 'px of the recorded image',
    text: 'No patch is sampled in so many columns at the left.',
  }),
  maskRightPx: integer(0, [0, 10000], {
    group: MASK,
    unit: 'px of the recorded image',
    text: 'No patch is sampled in so many columns at the right.',
  }),

  networkScale: number(1, [0.25, 1], {
    group: RUN,
    unit: 'network px per camera px',
    text: 'Size of the image that the network sees. 0.5 is about twice as fast, and less accurate.',
  }),
  dlaCore: integer(-1, [-1, 7], {
    group: RUN,
    text: 'Core of the deep learning accelerator for the networks that TensorRT computes, all of them in fp16; -1 is the GPU. Engines are built for one or the other: option `--dla` of `qpvo engine build`.',
  }),
  threads: integer(0, [0, 256], { group: RUN, text: 'Processor threads; 0 takes all cores.' }),
  seed: integer(0, [0, 4294967295], {
    group: RUN,
    text: 'Seed of the patch sampler and of the first depths. Same seed, same machine: the same trajectory to the bit.',
  }),
} as const satisfies Record<string, ParameterSpec>;

export type ParameterName = keyof typeof PARAMETERS;

/** All parameters of the odometry with their values. */
export type OdometryParameters = { -readonly [K in ParameterName]: ValueOf<(typeof PARAMETERS)[K]> };

export const PARAMETER_NAMES = Object.keys(PARAMETERS) as ParameterName[];

/** The values of the table. */
export function defaultParameters(): OdometryParameters {
  return Object.fromEntries(
    PARAMETER_NAMES.map((name) => [name, PARAMETERS[name].default]),
  ) as unknown as OdometryParameters;
}
