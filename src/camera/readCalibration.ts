// SPDX-License-Identifier: MIT
import { readFileSync } from 'node:fs';
import { parseDocument } from 'yaml';
import { messageOf, QpvoError } from '../error.ts';
import type { CameraCalibration } from './CameraCalibration.ts';
import { CALIBRATION_FORMATS, isMap } from './calibrationFormats.ts';

/**
 * Reads a calibration file; the format is recognised by its keys (ASL sensor.yaml, ROS camera_info, Kalibr camchain: its first camera).
 *
 * @throws QpvoError QPVO_NOT_FOUND when there is no such file, QPVO_CALIBRATION when it holds no usable calibration
 */
export async function readCalibrationFile(path: string): Promise<CameraCalibration> {
  return readCalibrationFileSync(path);
}

/** The same within this turn of the event loop, for a lifecycle transition. */
export function readCalibrationFileSync(path: string): CameraCalibration {
  const document = parse(read(path), path);
  const format = isMap(document) ? CALIBRATION_FORMATS.find((candidate) => candidate.matches(document)) : undefined;
  if (format === undefined || !isMap(document)) {
    throw new QpvoError('QPVO_CALIBRATION', {
      what: `${path} is not a known calibration`,
      expected: CALIBRATION_FORMATS.map((candidate) => candidate.name).join(', '),
      received: isMap(document)
        ? `a file with the keys ${Object.keys(document).slice(0, 8).join(', ')}`
        : 'no mapping of keys',
      advice:
        'Write the keys camera_model, intrinsics [fx, fy, cx, cy], distortion_model, distortion_coefficients and resolution [width, height].',
    });
  }
  return format.read(document, path);
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const isMissing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    throw new QpvoError(isMissing ? 'QPVO_NOT_FOUND' : 'QPVO_CALIBRATION', {
      what: `cannot read the calibration file ${path}`,
      expected: 'a readable YAML file',
      received: isMissing ? 'no file of that name' : messageOf(error),
      advice: 'Check the path: that of --camera on the command line, of camera_file in the node.',
      cause: error,
    });
  }
}

function parse(text: string, path: string): unknown {
  // OpenCV writes "%YAML:1.0", which is no valid directive; it carries nothing.
  const document = parseDocument(text.replace(/^\s*%YAML:.*\n/, ''), { logLevel: 'silent' });
  const problem = document.errors[0];
  if (problem !== undefined) {
    throw new QpvoError('QPVO_CALIBRATION', {
      what: `${path} is not valid YAML`,
      received: problem.message.split('\n')[0] ?? '',
      advice: 'Correct the file.',
      cause: problem,
    });
  }
  return document.toJS();
}
