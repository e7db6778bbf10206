// SPDX-License-Identifier: MIT
import type { CameraCalibration } from '../camera/CameraCalibration.ts';
import { checkAccelerator } from '../config/checkAccelerator.ts';
import type { Device } from '../config/Profile.ts';
import type { OdometryParameters } from '../config/parameters.ts';
import type { NetworkForms } from '../network/neededParts.ts';
import { PORTABLE_FORMS } from '../network/openNetwork.ts';
import { CpuDevice } from './CpuDevice.ts';
import { CudaDevice } from './CudaDevice.ts';
import type { FrameDevice } from './FrameDevice.ts';

export interface DeviceOptions extends Partial<NetworkForms> {
  calibration: CameraCalibration;
  /** Folder of the model: manifest.json and its files. */
  modelDir: string;
  parameters: OdometryParameters;
  /** Where everything is computed; the CPU when left out. */
  device?: Device;
}

/**
 * Makes what computes the frames of a run.
 *
 * @throws QPVO_MODEL, QPVO_PROFILE_UNAVAILABLE or QPVO_ADDON when the networks cannot be had in these forms; on a GPU also QPVO_NO_DEVICE, QPVO_OUT_OF_MEMORY and
 * QPVO_DEVICE_LOST; QPVO_PARAMETER for an accelerator that cannot compute these networks
 */
export async function openDevice(options: DeviceOptions): Promise<FrameDevice> {
  const { runtime = PORTABLE_FORMS.runtime, precision = PORTABLE_FORMS.precision } = options;
  checkAccelerator(options.parameters.dlaCore, { runtime, precision });
  return options.device === 'cuda' ? CudaDevice.open(options) : CpuDevice.open(options);
}
