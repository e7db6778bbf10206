// SPDX-License-Identifier: MIT
import type { Stage } from '../../odometry/types.ts';

/** The stages in their order, with names for people. */
export const STAGES: readonly [Stage, string][] = [
  ['wait', 'wait for image'],
  ['prepare', 'undistort'],
  ['encode', 'encoders'],
  ['insert', 'insert frame'],
  ['correlate', 'correlation'],
  ['update', 'update operator'],
  ['bundleAdjust', 'bundle adjustment'],
  ['readBack', 'evidence'],
  ['commit', 'keyframes, pose'],
];
