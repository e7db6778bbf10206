// SPDX-License-Identifier: MIT

/** The windows that fix how many frames and frame pairs there can be. */
export interface Windows {
  /** Patches of frames older than this are retired. */
  removalWindow: number;
  /** Poses that bundle adjustment moves. */
  optimizationWindow: number;
  /** Temporal reach r of a patch. */
  patchLifetime: number;
  /** Frame n - keyframeIndex is tested for removal. */
  keyframeIndex: number;
}

/** Ring slots: the sources of removalWindow + 1 frames reach patchLifetime - 1 frames back; one spare. */
export function ringSlots({ removalWindow, patchLifetime }: Windows): number {
  return removalWindow + patchLifetime + 1;
}

/** Most sources of pairs at update time. */
export function maxSources({ removalWindow }: Windows): number {
  return removalWindow + 1;
}

/** Frame pairs at update time in steady state without keyframe removal: a source of age a has r backward and min(a, r - 1) forward pairs. */
export function maxPairs({ removalWindow, patchLifetime: r }: Windows): number {
  let pairs = 0;
  for (let age = 0; age <= removalWindow; age++) pairs += r + Math.min(age, r - 1);
  return pairs;
}
