// SPDX-License-Identifier: MIT
import { run as buildEngines } from '../src/cli/engine/build.ts';
import { tensorrtParts } from '../src/config/Profile.ts';
import { readProfile } from '../src/config/readProfile.ts';
import { messageOf, QpvoError } from '../src/error.ts';
import { openSource } from '../src/sources/openSource.ts';
import type { RecordingPlace } from './recordings.ts';

/**
 * Whether a profile has the engines of TensorRT that a run over a recording needs; those that are missing are built first. False, said loudly, where they cannot be had.
 *
 * @param model name or folder of the model, when it is not that of the profile
 */
export async function hasEngines(
  profile: string,
  { name, path }: RecordingPlace,
  model: string | undefined,
): Promise<boolean> {
  if (tensorrtParts(readProfile(profile)).length === 0) return true;
  const source = await openSource(path);
  const { width = source.calibration?.width, height = source.calibration?.height } = source.info;
  await source.close();
  const size = `${width}x${height}`;
  console.log(`\nengines of ${profile} for ${size} images of ${name}; building those that are missing takes minutes`);
  const chosen = model === undefined ? [] : ['--model', model];
  const failure = await buildEngines(['--size', size, '--profile', profile, ...chosen]).then(
    (code) => (code === 0 ? '' : `building them ended with ${code}`),
    (error: unknown) => {
      if (error instanceof QpvoError) return messageOf(error);
      throw error;
    },
  );
  if (failure !== '') console.log(`*** SKIPPED: ${profile} was not measured, for want of its engines: ${failure} ***`);
  return failure === '';
}
