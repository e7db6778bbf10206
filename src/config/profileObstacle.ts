// SPDX-License-Identifier: MIT
import { availableParallelism } from 'node:os';
import { QpvoError } from '../error.ts';
import { type Device, PARTS, type Precision, type Profile, type Runtime } from './Profile.ts';
import { listProfiles, readProfile } from './readProfile.ts';

/** What a profile can build on. */
export interface Machine {
  cores: number;
  /** What this version of qpvo, on this computer, computes networks with. */
  support: readonly Support[];
}

export interface Support {
  device: Device;
  runtime: Runtime;
  precisions: readonly Precision[];
}

/** What this version can do wherever it is installed. */
const EVERYWHERE: readonly Support[] = [{ device: 'cpu', runtime: 'onnxruntime', precisions: ['fp32'] }];

export function thisMachine(): Machine {
  return { cores: availableParallelism(), support: EVERYWHERE };
}

/** Why a profile cannot run on a machine, in one clause; undefined when it can. */
export function profileObstacle(profile: Profile, { support }: Machine): string | undefined {
  const { device, runtime, precision } = profile;
  const onDevice = support.filter((offer) => offer.device === device);
  if (onDevice.length === 0) return `it needs ${DEVICE_NEEDS[device]}, which this version of qpvo does not support yet`;
  for (const part of PARTS) {
    const offer = onDevice.find((each) => each.runtime === runtime[part]);
    const name = part === 'encoder' ? 'encoders' : 'update operator';
    if (offer === undefined)
      return `this version of qpvo has no runtime "${runtime[part]}" for the ${name} on ${device}`;
    if (!offer.precisions.includes(precision[part])) {
      return `this version of qpvo computes the ${name} with ${offer.runtime} in ${offer.precisions.join(' or ')} only, not in ${precision[part]}`;
    }
  }
  return undefined;
}

const DEVICE_NEEDS: Readonly<Record<Device, string>> = {
  cpu: 'a processor',
  cuda: 'an NVIDIA GPU with CUDA',
};

/** Names of the profiles of the package that can run on a machine. */
export function runnableProfiles(machine: Machine = thisMachine()): string[] {
  return listProfiles().filter((name) => profileObstacle(readProfile(name), machine) === undefined);
}

/**
 * The profile, when it can run on the machine. Nothing else is taken in its place.
 *
 * @throws QpvoError QPVO_PROFILE_UNAVAILABLE that says why not, and which profiles can
 */
export function requireRunnable(profile: Profile, machine: Machine = thisMachine()): Profile {
  const obstacle = profileObstacle(profile, machine);
  if (obstacle === undefined) return profile;
  throw new QpvoError('QPVO_PROFILE_UNAVAILABLE', {
    what: `the profile ${profile.name} cannot run here: ${obstacle}`,
    advice: `Profiles that can run here: ${runnableProfiles(machine).join(', ')}; auto chooses among them.`,
  });
}
