// SPDX-License-Identifier: MIT
import type { CameraCalibration } from '../camera/CameraCalibration.ts';
import type { Device } from '../config/Profile.ts';
import type { OdometryParameters } from '../config/parameters.ts';
import { QpvoError } from '../error.ts';
import type { NetworkForms } from '../network/neededParts.ts';
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
 * QPVO_DEVICE_LOST
 */
export async function openDevice(options: DeviceOptions): Promise<FrameDevice> {
  requireAcceleratedNetwork(options);
  return options.device === 'cuda' ? CudaDevice.open(options) : CpuDevice.open(options);
}

/** The deep learning accelerator computes nothing but engines of TensorRT. */
function requireAcceleratedNetwork({ parameters: { dlaCore }, runtime }: DeviceOptions): void {
  if (dlaCore < 0 || runtime?.encoder === 'tensorrt' || runtime?.update === 'tensorrt') return;
  throw new QpvoError('QPVO_PROFILE_UNAVAILABLE', {
    what: 'dlaCore',
    expected: '-1, or a profile that computes a network with TensorRT',
    received: `${dlaCore}, with encoders by ${runtime?.encoder ?? 'onnxruntime'} and update operator by ${runtime?.update ?? 'onnxruntime'}`,
    advice: 'Leave dlaCore out, or choose a profile such as orin_fp16_tensorrt.',
  });
}
