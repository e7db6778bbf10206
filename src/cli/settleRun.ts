// SPDX-License-Identifier: MIT
import type { CameraCalibration } from '../camera/CameraCalibration.ts';
import { readCalibrationFile } from '../camera/readCalibration.ts';
import type { Profile } from '../config/Profile.ts';
import type { OdometryParameters } from '../config/parameters.ts';
import { resolveParameters } from '../config/resolveParameters.ts';
import { selectProfile } from '../config/selectProfile.ts';
import { QpvoError } from '../error.ts';
import type { ModelManifest } from '../network/manifest.ts';
import type { Source } from '../sources/Source.ts';

/**
 * The profile of a run. `auto` looks at the machine and says what it chose and why.
 *
 * @param say takes the line for people
 * @param model name or folder of the model, when it is not that of the profile
 * @throws QpvoError QPVO_USAGE when profile or model is unknown, QPVO_PROFILE or QPVO_MODEL when they cannot be read, QPVO_PROFILE_UNAVAILABLE when the
 * profile cannot run here or not with this model
 */
export function settleProfile(name: string, realtime: boolean, say: (line: string) => void, model?: string): Profile {
  const { profile, reason } = selectProfile(name, realtime, undefined, model);
  if (reason !== '') say(`profile ${profile.name}: ${reason}`);
  return profile;
}

/**
 * Defaults, then the windows the model was made for, then the profile, then the command line.
 *
 * @param assignments "name=value" of --set
 * @throws QpvoError QPVO_USAGE for an assignment without "=", QPVO_PARAMETER for an unknown name or a bad value
 */
export function settleParameters(
  profile: Pick<Profile, 'name' | 'parameters'>,
  model: Pick<ModelManifest, 'name' | 'windows'>,
  assignments: readonly string[],
  seed: string | undefined,
): OdometryParameters {
  return resolveParameters([
    { origin: `model ${model.name}`, values: { ...model.windows } },
    { origin: `profile ${profile.name}`, values: profile.parameters },
    { origin: '--set', values: Object.fromEntries(assignments.map(parseAssignment)) },
    { origin: '--seed', values: seed === undefined ? {} : { seed } },
  ]).values;
}

function parseAssignment(text: string): [string, string] {
  const at = text.indexOf('=');
  if (at > 0) return [text.slice(0, at), text.slice(at + 1)];
  throw new QpvoError('QPVO_USAGE', {
    what: 'option --set',
    expected: 'name=value',
    received: `"${text}"`,
    advice: 'For example --set patchesPerFrame=64.',
  });
}

/**
 * The calibration of a run: the given file, else that of the source.
 *
 * @throws QpvoError QPVO_CALIBRATION when there is none, or when it is for another image size
 */
export async function settleCalibration(source: Source, file: string | undefined): Promise<CameraCalibration> {
  const calibration = file === undefined ? source.calibration : await readCalibrationFile(file);
  if (calibration === undefined) {
    throw new QpvoError('QPVO_CALIBRATION', {
      what: `no camera calibration for ${source.info.path}`,
      expected: 'camera_info messages, a sensor.yaml or a camera.yaml in the recording',
      received: 'none',
      advice: 'Give a calibration file with --camera (ASL sensor.yaml, ROS camera_info or Kalibr yaml).',
    });
  }
  const { width, height } = source.info;
  if (width !== undefined && height !== undefined && (width !== calibration.width || height !== calibration.height)) {
    throw new QpvoError('QPVO_CALIBRATION', {
      what: `the calibration in ${calibration.origin} is for another image size`,
      expected: `${width}x${height} as the images`,
      received: `${calibration.width}x${calibration.height}`,
      advice: 'Give the calibration of this camera mode with --camera.',
    });
  }
  return calibration;
}
