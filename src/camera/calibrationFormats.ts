// SPDX-License-Identifier: MIT
import { QpvoError } from '../error.ts';
import type { CameraCalibration } from './CameraCalibration.ts';
import { calibrationFromCameraInfo } from './cameraInfo.ts';
import { resolveDistortion } from './distortionNames.ts';
import { validateCalibration } from './validateCalibration.ts';

/** A YAML mapping as parsed, nothing checked yet. */
export type YamlMap = Record<string, unknown>;

export interface CalibrationFormat {
  name: string;
  /** True when the keys are those of this format. */
  matches(document: YamlMap): boolean;
  /** @throws QpvoError QPVO_CALIBRATION */
  read(document: YamlMap, origin: string): CameraCalibration;
}

const KALIBR_CAMERA = /^cam\d+$/;

/** Known formats, in the order in which they are tried. */
export const CALIBRATION_FORMATS: readonly CalibrationFormat[] = [
  {
    name: 'Kalibr camchain',
    matches: (document) => Object.keys(document).some((key) => KALIBR_CAMERA.test(key)),
    read: (document, origin) => {
      const key = Object.keys(document)
        .filter((name) => KALIBR_CAMERA.test(name))
        .sort()[0]!;
      return pinhole(document[key], 'distortion_coeffs', `${origin} (${key})`);
    },
  },
  {
    name: 'ROS camera_info',
    matches: (document) => 'camera_matrix' in document,
    read: (document, origin) =>
      calibrationFromCameraInfo(
        {
          width: numberAt(document, 'image_width', origin),
          height: numberAt(document, 'image_height', origin),
          distortion_model: modelAt(document, 'plumb_bob', origin),
          k: matrixAt(document, 'camera_matrix', origin),
          d: matrixAt(document, 'distortion_coefficients', origin),
        },
        origin,
      ),
  },
  {
    name: 'ASL sensor.yaml',
    matches: (document) => 'intrinsics' in document,
    read: (document, origin) => pinhole(document, 'distortion_coefficients', origin),
  },
];

/** Kalibr and ASL: intrinsics [fu, fv, cu, cv] and resolution [width, height] of a pinhole camera. */
function pinhole(value: unknown, coefficientsKey: string, origin: string): CameraCalibration {
  if (!isMap(value)) return missing(origin, 'a mapping of intrinsics, distortion and resolution', value);
  const cameraModel = value.camera_model ?? 'pinhole';
  if (cameraModel !== 'pinhole') missing(origin, 'camera_model pinhole', cameraModel);
  const [fx, fy, cx, cy] = numbersAt(value, 'intrinsics', origin, 4);
  const [width, height] = numbersAt(value, 'resolution', origin, 2);
  const coefficients = value[coefficientsKey] === undefined ? [] : numbersAt(value, coefficientsKey, origin);
  return validateCalibration({
    width: width!,
    height: height!,
    fx: fx!,
    fy: fy!,
    cx: cx!,
    cy: cy!,
    ...resolveDistortion(modelAt(value, 'none', origin), coefficients, origin),
    origin,
  });
}

function modelAt(document: YamlMap, absent: string, origin: string): string {
  const value = document.distortion_model ?? absent;
  return typeof value === 'string' ? value : missing(origin, 'distortion_model as text', value);
}

function numberAt(document: YamlMap, key: string, origin: string): number {
  const value = document[key];
  return typeof value === 'number' ? value : missing(origin, `${key} as a number`, value);
}

function numbersAt(document: YamlMap, key: string, origin: string, count?: number): number[] {
  const value = document[key];
  const isList = Array.isArray(value) && value.every((item) => typeof item === 'number');
  if (!isList || (count !== undefined && value.length !== count)) {
    return missing(origin, `${key} as a list of ${count === undefined ? '' : `${count} `}numbers`, value);
  }
  return value;
}

/** A matrix as ROS and OpenCV write it: rows, cols, data. */
function matrixAt(document: YamlMap, key: string, origin: string): number[] {
  const value = document[key];
  return isMap(value)
    ? numbersAt(value, 'data', `${origin} (${key})`)
    : missing(origin, `${key} with rows, cols and data`, value);
}

function missing(origin: string, expected: string, received: unknown): never {
  throw new QpvoError('QPVO_CALIBRATION', {
    what: `incomplete calibration in ${origin}`,
    expected,
    received: received === undefined ? 'nothing' : JSON.stringify(received),
    advice: 'Correct the file, or give another one with --camera.',
  });
}

export function isMap(value: unknown): value is YamlMap {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
