// SPDX-License-Identifier: MIT
import { availableParallelism } from 'node:os';
import { QpvoError } from '../error.ts';
import { gpuProbe } from '../native/gpuProbe.ts';
import { type ModelManifest, readManifest } from '../network/manifest.ts';
import { findModelFolder } from '../network/modelFolder.ts';
import { missingForForm } from '../network/neededParts.ts';
import { int8Products } from '../processorFlags.ts';
import { type GpuOffer, gpuOffer, tensorrtObstacle } from './gpuOffer.ts';
import { type Device, PARTS, type Precision, type Profile, type Runtime } from './Profile.ts';
import { listProfiles, readProfile } from './readProfile.ts';

/** What a profile can build on. */
export interface Machine {
  cores: number;
  /** Whether it is known to have instructions for products of int8: without, int8 is slower than fp32. */
  int8Pays: boolean;
  /** What networks are computed with on the processor. */
  support: readonly Support[];
  /** Its GPU, asked for only where the answer matters: it takes a moment. */
  gpu(): GpuOffer;
}

export interface Support {
  device: Device;
  runtime: Runtime;
  precisions: Readonly<Record<(typeof PARTS)[number], readonly Precision[]>>;
}

/** What a profile needs to know of the model it is to run. */
export type ModelParts = Pick<ModelManifest, 'name' | 'files' | 'quantization'>;

/** What this version can do wherever it is installed: the native kernels have a form for every processor. */
const EVERYWHERE: readonly Support[] = [
  { device: 'cpu', runtime: 'onnxruntime', precisions: { encoder: ['fp32', 'int8'], update: ['fp32', 'int8'] } },
  { device: 'cpu', runtime: 'native', precisions: { encoder: ['fp32', 'int8'], update: ['fp32', 'int8'] } },
];

export function thisMachine(): Machine {
  return {
    cores: availableParallelism(),
    int8Pays: int8Products().length > 0,
    support: EVERYWHERE,
    gpu: () => gpuOffer(gpuProbe(), tensorrtObstacle()),
  };
}

/** Why a profile cannot run on a machine with a model, in one clause; undefined when it can. */
export function profileObstacle(profile: Profile, machine: Machine, model: ModelParts): string | undefined {
  const { device, runtime, precision } = profile;
  const gpu = device === 'cuda' ? machine.gpu() : undefined;
  if (gpu !== undefined && gpu.obstacle !== '') return `it needs an NVIDIA GPU with CUDA: ${gpu.obstacle}`;
  const onDevice = gpu?.support ?? machine.support;
  for (const part of PARTS) {
    const name = part === 'encoder' ? 'encoders' : 'update operator';
    const offer = onDevice.find((each) => each.runtime === runtime[part]);
    if (offer === undefined) {
      return runtime[part] === 'tensorrt' && gpu !== undefined
        ? `TensorRT for the ${name} is missing: ${gpu.tensorrtObstacle}`
        : `this version of qpvo has no runtime "${runtime[part]}" for the ${name} on ${device}, only ${listOf(onDevice, part)}`;
    }
    if (!offer.precisions[part].includes(precision[part])) {
      return `this version of qpvo computes the ${name} on ${device} with ${listOf(onDevice, part)} only, not with ${runtime[part]} in ${precision[part]}`;
    }
  }
  for (const part of PARTS) {
    const missing = missingForForm(model, part, profile);
    if (missing !== undefined) return missing;
  }
  return undefined;
}

/** "onnxruntime in fp32 or int8, native in int8" */
function listOf(offers: readonly Support[], part: (typeof PARTS)[number]): string {
  return offers
    .filter(({ precisions }) => precisions[part].length > 0)
    .map(({ runtime, precisions }) => `${runtime} in ${precisions[part].join(' or ')}`)
    .join(', ');
}

/**
 * The model a profile is to run: the named one, else its own.
 *
 * @throws QpvoError QPVO_USAGE when there is none of that name, QPVO_MODEL when its manifest cannot be read
 */
export function modelOf(profile: Profile, model = profile.model): ModelManifest {
  return readManifest(findModelFolder(model));
}

/** Names of the profiles of the package that can run on a machine, with their own models or with the named one. */
export function runnableProfiles(machine: Machine = thisMachine(), model?: string): string[] {
  return listProfiles().filter((name) => {
    const profile = readProfile(name);
    try {
      return profileObstacle(profile, machine, modelOf(profile, model)) === undefined;
    } catch {
      return false;
    }
  });
}

/**
 * The profile, when it can run on the machine with its own model or the named one. Nothing else is taken in its place.
 *
 * @throws QpvoError QPVO_PROFILE_UNAVAILABLE that says why not, and which profiles can; QPVO_USAGE and QPVO_MODEL when the model cannot be had
 */
export function requireRunnable(profile: Profile, machine: Machine = thisMachine(), model?: string): Profile {
  const obstacle = profileObstacle(profile, machine, modelOf(profile, model));
  if (obstacle === undefined) return profile;
  throw new QpvoError('QPVO_PROFILE_UNAVAILABLE', {
    what: `the profile ${profile.name} cannot run here: ${obstacle}`,
    advice: `Profiles that can run here: ${runnableProfiles(machine, model).join(', ')}; auto chooses among them.`,
  });
}
