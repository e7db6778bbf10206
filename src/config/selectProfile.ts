// SPDX-License-Identifier: MIT
import { chooseProfile } from './chooseProfile.ts';
import type { Profile } from './Profile.ts';
import { type Machine, requireRunnable, thisMachine } from './profileObstacle.ts';
import { readProfile } from './readProfile.ts';

export interface SelectedProfile {
  profile: Profile;
  /** Why `auto` took this one; empty for a profile that was named. */
  reason: string;
}

/**
 * The profile of a run: by name, by path, or `auto`, which looks at the machine.
 *
 * @throws QpvoError QPVO_USAGE when it is unknown, QPVO_PROFILE when it cannot be read, QPVO_PROFILE_UNAVAILABLE when it cannot run here
 */
export function selectProfile(name: string, realtime: boolean, machine: Machine = thisMachine()): SelectedProfile {
  if (name !== 'auto') return { profile: requireRunnable(readProfile(name), machine), reason: '' };
  const chosen = chooseProfile(machine, realtime);
  return { profile: requireRunnable(readProfile(chosen.name), machine), reason: chosen.reason };
}
