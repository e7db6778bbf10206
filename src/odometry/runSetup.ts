// SPDX-License-Identifier: MIT
import { availableParallelism } from 'node:os';
import type { CameraCalibration } from '../camera/CameraCalibration.ts';
import { type RectifiedCamera, rectifiedCamera } from '../camera/RectifiedCamera.ts';
import { buildUndistortMap } from '../camera/undistortMap.ts';
import type { OdometryParameters } from '../config/parameters.ts';
import type { CellArea, OpsOptions } from '../native/addon.ts';
import type { ModelManifest } from '../network/manifest.ts';
import { patchArea } from './patchArea.ts';
import { GRID_STRIDE } from './solver.ts';
import { maxPairs, ringSlots } from './windows.ts';

/** Threads asked for, or all cores. */
export function threadCount(parameters: OdometryParameters): number {
  return parameters.threads > 0 ? parameters.threads : availableParallelism();
}

/** What the ops of a run are made from, on any device. */
export interface RunSetup {
  camera: RectifiedCamera;
  /** Where patches are sampled. */
  area: CellArea;
  options: OpsOptions;
  /** [height][width][supersamples][2] */
  undistortMap: Float32Array;
}

/** Sizes, intrinsics and undistortion map for a camera, a model and its windows. The event loop is not held up. */
export async function runSetup(
  calibration: CameraCalibration,
  manifest: ModelManifest,
  parameters: OdometryParameters,
): Promise<RunSetup> {
  const camera = rectifiedCamera(calibration, parameters.networkScale);
  const map = await buildUndistortMap(calibration, camera);
  const area = await patchArea(parameters, calibration, camera, map);
  const options: OpsOptions = {
    channels: manifest.sizes.inputChannels,
    width: camera.width,
    height: camera.height,
    recordedWidth: calibration.width,
    recordedHeight: calibration.height,
    supersamples: map.samplesPerAxis ** 2,
    featureDim: manifest.sizes.featureDim,
    hiddenDim: manifest.sizes.hiddenDim,
    patches: parameters.patchesPerFrame,
    ringSlots: ringSlots(parameters),
    maxPairs: maxPairs(parameters),
    threads: threadCount(parameters),
    scale: manifest.normalisation.scale,
    offset: manifest.normalisation.offset,
    fx: camera.fx / GRID_STRIDE,
    fy: camera.fy / GRID_STRIDE,
    cx: camera.cx / GRID_STRIDE,
    cy: camera.cy / GRID_STRIDE,
  };
  return { camera, area, options, undistortMap: map.data };
}
