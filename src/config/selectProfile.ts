// SPDX-License-Identifier: MIT
import { chooseProfile } from './chooseProfile.ts';
import type { Profile } from './Profile.ts';
import { type Machine, modelOf, profileObstacle, requireRunnable, thisMachine } from './profileObstacle.ts';
import { readProfile } from './readProfile.ts';

export interface SelectedProfile {
  profile: Profile;
  /** Why `auto` took this one; empty for a profile that was named. */
  reason: string;
}

/**
 * The profile of a run: by name, by path, or `auto`, which looks at the machine and at the parts that the model has.
 *
 * @param model name or folder of the model, when it is not that of the profile
 * @throws QpvoError QPVO_USAGE when profile or model is unknown, QPVO_PROFILE or QPVO_MODEL when they cannot be read, QPVO_PROFILE_UNAVAILABLE when the
 * profile cannot run here or not with this model
 */
export function selectProfile(
  name: string,
  realtime: boolean,
  machine: Machine = thisMachine(),
  model?: string,
): SelectedProfile {
  if (name !== 'auto') return { profile: requireRunnable(readProfile(name), machine, model), reason: '' };
  const canRun = (candidate: string) => {
    const profile = readProfile(candidate);
    return profileObstacle(profile, machine, modelOf(profile, model)) === undefined;
  };
  const chosen = chooseProfile(machine, realtime, canRun);
  return { profile: requireRunnable(readProfile(chosen.name), machine, model), reason: chosen.reason };
}
