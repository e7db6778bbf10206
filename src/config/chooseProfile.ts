// SPDX-License-Identifier: MIT

export interface ProfileChoice {
  name: string;
  /** Why this one, in one clause. */
  reason: string;
}

/** Cores that a live run at full resolution needs. */
const CORES_FOR_LIVE_FULL_RESOLUTION = 4;

/** The profile that `auto` means on a machine for a kind of run. */
export function chooseProfile(machine: { cores: number }, realtime: boolean): ProfileChoice {
  if (!realtime) {
    return { name: 'cpu_fp32', reason: 'a recorded run has no deadline, so the network sees the full resolution' };
  }
  return machine.cores < CORES_FOR_LIVE_FULL_RESOLUTION
    ? {
        name: 'cpu_fp32_half',
        reason: `a live run on ${machine.cores} cores needs half resolution to drop fewer frames`,
      }
    : { name: 'cpu_fp32', reason: `${machine.cores} cores are enough for a live run at full resolution` };
}
