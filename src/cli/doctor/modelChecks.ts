// SPDX-License-Identifier: MIT
import { PARTS, type Profile } from '../../config/Profile.ts';
import { type Machine, modelOf, profileObstacle, thisMachine } from '../../config/profileObstacle.ts';
import { listProfiles, readProfile } from '../../config/readProfile.ts';
import { resolveParameters } from '../../config/resolveParameters.ts';
import { selectProfile } from '../../config/selectProfile.ts';
import { type ModelManifest, type Part, readManifest, readModelFile } from '../../network/manifest.ts';
import { findModelFolder, listModels } from '../../network/modelFolder.ts';
import { modelFormsText } from '../../network/modelForms.ts';
import { neededParts } from '../../network/neededParts.ts';
import { type Check, checkOf } from './Check.ts';

/** The network runtime, every model with its checksums, and every profile. */
export async function checkModels(): Promise<Check[]> {
  const models = listModels();
  const machine = thisMachine();
  return [
    await checkRuntime(),
    ...(models.length === 0
      ? [{ name: 'models', status: 'broken' as const, detail: 'none in the folder models' }]
      : []),
    ...(await Promise.all(models.map(checkModel))),
    ...(await Promise.all(listProfiles().map((name) => checkProfile(name, machine)))),
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
async function checkProfile(name: string, machine: Machine): Promise<Check> {
  let isObstructed = false;
  const check = await checkOf(`profile ${name}`, () => {
    const profile = readProfile(name);
    const { networkScale } = resolveParameters([{ origin: `profile ${name}`, values: profile.parameters }]).values;
    const manifest = modelOf(profile);
    const obstacle = profileObstacle(profile, machine, manifest);
    isObstructed = obstacle !== undefined;
    if (isObstructed) return `cannot run here: ${obstacle}`;
    const folder = findModelFolder(profile.model);
    for (const network of PARTS) {
      for (const part of neededParts(network, profile)) readModelFile(folder, manifest, part);
    }
    return `can run: ${profileText(profile, networkScale)}${autoText(name, machine)}`;
  });
  return isObstructed ? { ...check, status: 'unavailable' } : check;
}

/** "cpu, model small at scale 0.5, encoders fp32 (onnxruntime), update operator fp32 (onnxruntime)", and what a run needs besides. */
export function profileText({ name, device, model, precision, runtime }: Profile, networkScale: number): string {
  const part = (network: 'encoder' | 'update') => `${precision[network]} (${runtime[network]})`;
  const engines = PARTS.some((network) => runtime[network] === 'tensorrt')
    ? `; once its engines are there for the size of the images: qpvo engine build --profile ${name}`
    : '';
  return `${device}, model ${model} at scale ${networkScale}, encoders ${part('encoder')}, update operator ${part('update')}${engines}`;
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
