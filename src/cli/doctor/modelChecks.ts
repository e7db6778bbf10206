// SPDX-License-Identifier: MIT
import { gpuOffer } from '../../config/gpuOffer.ts';
import { PARTS, type Profile, tensorrtParts } from '../../config/Profile.ts';
import type { OdometryParameters } from '../../config/parameters.ts';
import { type Machine, modelOf, profileObstacle, thisMachine } from '../../config/profileObstacle.ts';
import { listProfiles, readProfile } from '../../config/readProfile.ts';
import { selectProfile } from '../../config/selectProfile.ts';
import { messageOf, QpvoError } from '../../error.ts';
import { gpuProbe } from '../../native/gpuProbe.ts';
import { type ModelManifest, type Part, readManifest, readModelFile } from '../../network/manifest.ts';
import { findModelFolder, listModels } from '../../network/modelFolder.ts';
import { modelFormsText } from '../../network/modelForms.ts';
import { neededParts } from '../../network/neededParts.ts';
import { type BuiltSizes, builtSizes } from '../../tensorrt/builtSizes.ts';
import type { EngineMachine } from '../../tensorrt/EngineKey.ts';
import { engineShape } from '../../tensorrt/engineShape.ts';
import { settleParameters } from '../settleRun.ts';
import { type Check, checkOf } from './Check.ts';
import type { TensorrtState } from './tensorrtCheck.ts';

/** The network runtime, every model with its checksums, and every profile on a machine whose TensorRT is this. */
export async function checkModels(tensorrt: TensorrtState): Promise<Check[]> {
  const models = listModels();
  const withoutTensorrt = 'obstacle' in tensorrt ? tensorrt.obstacle : '';
  const machine: Machine = { ...thisMachine(), gpu: () => gpuOffer(gpuProbe(), withoutTensorrt) };
  return [
    await checkRuntime(),
    ...(models.length === 0
      ? [{ name: 'models', status: 'broken' as const, detail: 'none in the folder models' }]
      : []),
    ...(await Promise.all(models.map(checkModel))),
    ...(await Promise.all(listProfiles().map((name) => checkProfile(name, machine, tensorrt)))),
  ];
}

/** The binary of a package may not fit the machine, even where the package is installed. */
function checkRuntime(): Promise<Check> {
  return checkOf('runtime onnxruntime', async () => {
    const { runtimeVersion } = await import('../../network/session.ts');
    return `loads, version ${runtimeVersion()}`;
  });
}

function checkModel(name: string): Promise<Check> {
  return checkOf(`model ${name}`, () => {
    const folder = findModelFolder(name);
    const manifest = readManifest(folder);
    for (const part of partsOf(manifest)) readModelFile(folder, manifest, part);
    const parameters = `${(manifest.parameters / 1e6).toFixed(1)} M parameters`;
    return `${parameters}, ${modelFormsText(manifest)}, checksums of ${partsOf(manifest).join(', ')} agree`;
  });
}

/**
 * What a run with this profile would do here. One that needs what this machine or this version lacks is no fault of the installation: it is listed with the reason.
 */
export async function checkProfile(name: string, machine: Machine, tensorrt: TensorrtState): Promise<Check> {
  let isObstructed = false;
  const check = await checkOf(`profile ${name}`, async () => {
    const profile = readProfile(name);
    const manifest = modelOf(profile);
    const obstacle = obstacleText(profile, machine, manifest);
    isObstructed = obstacle !== undefined;
    if (isObstructed) return `cannot run here: ${obstacle}`;
    const folder = findModelFolder(profile.model);
    for (const network of PARTS) {
      for (const part of neededParts(network, profile)) readModelFile(folder, manifest, part);
    }
    const parameters = settleParameters(profile, manifest, [], undefined);
    let engines = '';
    if ('report' in tensorrt && tensorrtParts(profile).length > 0) {
      const sizes = await engineSizes(profile, folder, manifest, parameters, tensorrt.report);
      isObstructed = 'obstacle' in sizes;
      if ('obstacle' in sizes) return `cannot run here: ${sizes.obstacle}`;
      engines = `, ${enginesText(name, sizes.built)}`;
    }
    return `can run: ${profileText(profile, parameters.networkScale)}${engines}${autoText(name, machine)}`;
  });
  return isObstructed ? { ...check, status: 'unavailable' } : check;
}

/** What stands above, of the GPU and of TensorRT, is not told again for every profile. */
function obstacleText(profile: Profile, machine: Machine, manifest: ModelManifest): string | undefined {
  if (profile.device === 'cuda' && machine.gpu().obstacle !== '') return 'it needs the GPU (see above)';
  if (tensorrtParts(profile).length > 0 && machine.gpu().tensorrtObstacle !== '')
    return 'it needs TensorRT (see above)';
  return profileObstacle(profile, machine, manifest);
}

/** Network images for which this machine has the engines of a profile, or why their cache cannot be used. */
async function engineSizes(
  profile: Profile,
  modelDir: string,
  manifest: ModelManifest,
  parameters: OdometryParameters,
  machine: EngineMachine,
): Promise<{ built: BuiltSizes } | { obstacle: string }> {
  const shape = engineShape({ width: 0, height: 0 }, parameters);
  const wanted = Object.fromEntries(tensorrtParts(profile).map((network) => [network, profile.precision[network]]));
  const request = { modelDir, manifest, precision: wanted, shape, dlaCore: parameters.dlaCore };
  try {
    return { built: await builtSizes(request, machine) };
  } catch (error) {
    if (error instanceof QpvoError && error.code === 'QPVO_OUTPUT') return { obstacle: messageOf(error) };
    throw error;
  }
}

/** For which images the engines of a profile are there, and the command that builds others. */
export function enginesText(profile: string, sizes: BuiltSizes): string {
  if (sizes === 'all') return 'with its engine, which serves images of every size';
  const there =
    sizes.length === 0
      ? 'but without its engines, which a run needs'
      : `with engines for network images of ${sizes.join(', ')}; for others`;
  return `${there}: qpvo engine build --size 752x480 --profile ${profile} (the size of the camera's image in place of 752x480)`;
}

/** "cpu, model small at scale 0.5, encoders fp32 (onnxruntime), update operator fp32 (onnxruntime)" */
export function profileText({ device, model, precision, runtime }: Profile, networkScale: number): string {
  const part = (network: 'encoder' | 'update') => `${precision[network]} (${runtime[network]})`;
  return `${device}, model ${model} at scale ${networkScale}, encoders ${part('encoder')}, update operator ${part('update')}`;
}

/** For which runs `auto` means this profile. */
function autoText(name: string, machine: Machine): string {
  const kinds = [
    ...(selectProfile('auto', false, machine).profile.name === name ? ['recordings'] : []),
    ...(selectProfile('auto', true, machine).profile.name === name ? ['live runs'] : []),
  ];
  return kinds.length === 0 ? '' : `; auto for ${kinds.join(' and ')}`;
}

function partsOf(manifest: ModelManifest): Part[] {
  return Object.keys(manifest.files) as Part[];
}
