// SPDX-License-Identifier: MIT
import { listProfiles, readProfile } from '../../config/readProfile.ts';
import { resolveParameters } from '../../config/resolveParameters.ts';
import { type ModelManifest, type Part, readManifest, readModelFile } from '../../network/manifest.ts';
import { findModelFolder, listModels } from '../modelFolder.ts';
import { type Check, checkOf } from './Check.ts';

/** The network runtime, every model with its checksums, and every profile. */
export async function checkModels(): Promise<Check[]> {
  const models = await listModels();
  const profiles = await listProfiles();
  return [
    await checkRuntime(),
    ...(models.length === 0
      ? [{ name: 'models', status: 'broken' as const, detail: 'none in the folder models' }]
      : []),
    ...(await Promise.all(models.map(checkModel))),
    ...(await Promise.all(profiles.map(checkProfile))),
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
  return checkOf(`model ${name}`, async () => {
    const folder = await findModelFolder(name);
    const manifest = readManifest(folder);
    for (const part of partsOf(manifest)) readModelFile(folder, manifest, part);
    return `${(manifest.parameters / 1e6).toFixed(1)} M parameters, checksums of ${partsOf(manifest).join(', ')} agree`;
  });
}

/** Whether a run with this profile could start here. */
function checkProfile(name: string): Promise<Check> {
  return checkOf(`profile ${name}`, async () => {
    const profile = await readProfile(name);
    resolveParameters([{ origin: `profile ${name}`, values: profile.parameters }]);
    const folder = await findModelFolder(profile.model);
    const manifest = readManifest(folder);
    for (const part of ['features', 'context', 'update'] as const) readModelFile(folder, manifest, part);
    return `can run: ${profile.device}, model ${profile.model}, encoder ${profile.precision.encoder}, update ${profile.precision.update}`;
  });
}

function partsOf(manifest: ModelManifest): Part[] {
  return Object.keys(manifest.files) as Part[];
}
