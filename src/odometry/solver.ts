// SPDX-License-Identifier: MIT
import type { BundleAdjustOptions } from '../native/addon.ts';

/** Constants of bundle adjustment and flow that the algorithm fixes (DPVO, arXiv 2208.04726, and its published implementation). Lengths in grid px. */
export const SOLVER: Omit<BundleAdjustOptions, 'freePoses' | 'iterations'> = {
  depthDamping: 1e-4,
  poseDamping: 1,
  poseDampingRelative: 1e-4,
  maxResidual: 128,
  margin: 64,
  minDepth: 0.2,
  maxInverseDepth: 20,
  resetInverseDepth: 1,
  minInverseDepth: 1e-4,
};

/** Weight of the full flow against the flow of the translation alone in the keyframe test. */
export const FLOW_BETA = 0.5;

/** Pixels of the network image per grid pixel. */
export const GRID_STRIDE = 4;

/** Width at which thresholds in pixels are meant, pixels of the network image. */
export const REFERENCE_WIDTH = 640;
