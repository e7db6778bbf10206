// SPDX-License-Identifier: MIT
import type { Machine } from './profileObstacle.ts';

export interface ProfileChoice {
  name: string;
  /** Why this one, in one clause. */
  reason: string;
}

/** Cores from which a live run keeps up with half resolution and the windows of the model, and with the full resolution. */
const CORES_FOR_HALF_RESOLUTION = 4;
const CORES_FOR_FULL_RESOLUTION = 8;

/** The profile that `auto` means on a machine for a kind of run. It is always one that can run everywhere. */
export function chooseProfile({ cores }: Pick<Machine, 'cores'>, realtime: boolean): ProfileChoice {
  if (!realtime) {
    return { name: 'cpu_fp32', reason: 'a recorded run has no deadline, so the network sees the full resolution' };
  }
  if (cores >= CORES_FOR_FULL_RESOLUTION) {
    return { name: 'cpu_fp32', reason: `${cores} cores are enough for a live run at full resolution` };
  }
  return cores >= CORES_FOR_HALF_RESOLUTION
    ? { name: 'cpu_fp32_half', reason: `a live run on ${cores} cores keeps up at half resolution` }
    : {
        name: 'cpu_realtime',
        reason: `a live run on ${cores} cores needs half resolution and small windows to keep up`,
      };
}
