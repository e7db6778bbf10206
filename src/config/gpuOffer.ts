// SPDX-License-Identifier: MIT
import { existsSync } from 'node:fs';
import type { GpuReport } from '../native/addon.ts';
import type { GpuProbe } from '../native/gpuProbe.ts';
import { modulePath } from '../tensorrt/places.ts';
import type { Support } from './profileObstacle.ts';

/** What the GPU of a machine is good for. */
export interface GpuOffer {
  /** Why there is none for qpvo, in one clause; empty when there is. */
  obstacle: string;
  /** Its name; empty without. */
  name: string;
  /** Of a Jetson or the like: it shares the memory with the processor. */
  integrated: boolean;
  /** What networks are computed with. */
  support: readonly Support[];
  /** Why TensorRT computes none of them, in one clause; empty when it does. */
  tensorrtObstacle: string;
}

/** The oldest GPUs with the tensor core instructions of the kernels (Ampere). */
const LEAST_COMPUTE_CAPABILITY = 80;

const OWN_KERNELS: Support = {
  device: 'cuda',
  runtime: 'cuda',
  precisions: { encoder: ['fp32', 'fp16', 'int8'], update: ['fp32', 'fp16', 'int8'] },
};

const TENSORRT: Support = {
  device: 'cuda',
  runtime: 'tensorrt',
  precisions: { encoder: ['fp32', 'fp16', 'int8'], update: ['fp32', 'fp16', 'int8'] },
};

/** Why TensorRT cannot be used, as far as it can be told without asking it (probeTensorrt); empty when its modules were built. */
export function tensorrtObstacle(): string {
  return existsSync(modulePath()) ? '' : 'qpvo was built without it, as it is where CUDA or TensorRT is not found';
}

/**
 * What follows from a probe.
 *
 * @param withoutTensorrt why TensorRT cannot be used, empty when it can
 */
export function gpuOffer(probe: GpuProbe, withoutTensorrt: string): GpuOffer {
  const obstacle = 'obstacle' in probe ? probe.obstacle : reportObstacle(probe.report);
  if (obstacle !== '' || 'obstacle' in probe)
    return { obstacle, name: '', integrated: false, support: [], tensorrtObstacle: withoutTensorrt };
  const [gpu] = probe.report.devices;
  return {
    obstacle,
    name: gpu!.name,
    integrated: gpu!.integrated,
    support: withoutTensorrt === '' ? [OWN_KERNELS, TENSORRT] : [OWN_KERNELS],
    tensorrtObstacle: withoutTensorrt,
  };
}

function reportObstacle({ driverVersion, runtimeVersion, devices, fault }: GpuReport): string {
  if (driverVersion === 0) return 'no NVIDIA driver is loaded';
  if (devices.length === 0) {
    return fault === ''
      ? `the driver (CUDA ${cudaVersion(driverVersion)}) shows no GPU`
      : `the driver for CUDA ${cudaVersion(driverVersion)} does not work with CUDA ${cudaVersion(runtimeVersion)} of the addon: ${fault}`;
  }
  const [gpu] = devices;
  if (gpu!.computeCapability < LEAST_COMPUTE_CAPABILITY) {
    return `the ${gpu!.name} has compute capability ${capabilityText(gpu!.computeCapability)}, and 8.0 (Ampere) is the least`;
  }
  return fault === '' ? '' : `kernels do not run on the ${gpu!.name}: ${fault}`;
}

/** 13000 -> "13.0" */
export function cudaVersion(version: number): string {
  return `${Math.floor(version / 1000)}.${Math.floor((version % 1000) / 10)}`;
}

/** 87 -> "8.7" */
export function capabilityText(capability: number): string {
  return `${Math.floor(capability / 10)}.${capability % 10}`;
}
