// SPDX-License-Identifier: MIT
import { QpvoError } from '../error.ts';
import type { DistortionModel } from './CameraCalibration.ts';

/** Names of the models as ASL, ROS, OpenCV and Kalibr write them. */
const MODEL_BY_NAME: Readonly<Record<string, DistortionModel>> = {
  none: 'none',
  '': 'none',
  'radial-tangential': 'radtan',
  radtan: 'radtan',
  plumb_bob: 'radtan',
  rational_polynomial: 'rational',
  equidistant: 'equidistant',
  fisheye: 'equidistant',
};

/** Least and greatest number of coefficients of each model. */
const COEFFICIENT_COUNT: Readonly<Record<DistortionModel, readonly [number, number]>> = {
  none: [0, 0],
  radtan: [4, 5],
  rational: [8, 8],
  equidistant: [4, 4],
};

/**
 * The model and its coefficients from a name in a calibration. Lists that are empty or all zero mean `none`; zeros beyond the last coefficient
 * (such as the thin-prism terms that OpenCV appends) are dropped.
 *
 * @throws QpvoError QPVO_CALIBRATION for an unknown name or a wrong number of coefficients
 */
export function resolveDistortion(
  name: string,
  values: readonly number[],
  origin: string,
): { model: DistortionModel; coefficients: number[] } {
  const model = MODEL_BY_NAME[name.trim().toLowerCase()];
  if (model === undefined) {
    throw new QpvoError('QPVO_CALIBRATION', {
      what: `unknown distortion model in ${origin}`,
      expected: Object.keys(MODEL_BY_NAME).filter(Boolean).join(', '),
      received: `"${name}"`,
      advice: 'Calibrate with a pinhole model with radtan or equidistant distortion, or rectify the images first.',
    });
  }
  // An unnamed model may still carry zeros; equidistant with zeros bends rays (r = atan), so it stays what it says.
  if (model !== 'equidistant' && values.every((value) => value === 0)) return { model: 'none', coefficients: [] };

  const [least, greatest] = COEFFICIENT_COUNT[model];
  const extra = values.slice(greatest);
  if (values.length < least || extra.some((value) => value !== 0)) {
    throw new QpvoError('QPVO_CALIBRATION', {
      what: `wrong number of distortion coefficients in ${origin}`,
      expected: `${least === greatest ? least : `${least} or ${greatest}`} for ${name || 'no model'}`,
      received: `${values.length} (${values.join(', ')})`,
      advice: 'Check the distortion model and its coefficients against the calibration report.',
    });
  }
  return { model, coefficients: values.slice(0, greatest) };
}
