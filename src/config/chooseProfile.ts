// SPDX-License-Identifier: MIT
import type { Machine } from './profileObstacle.ts';

export interface ProfileChoice {
  name: string;
  /** Why this one, in one clause. */
  reason: string;
}

/** Cores from which a live run keeps up with the windows of the model: in int8 (or fp32 at half resolution), and in fp32 at full resolution. */
const CORES_FOR_WHOLE_WINDOWS = 4;
const CORES_FOR_FP32 = 8;

/** Profiles for a GPU, the better one first: int8 where speed is short, fp16 where it is not. All have own kernels: an engine of TensorRT would have to be built first. */
const FOR_GPU = { integrated: ['orin_int8', 'orin_fp16'], discrete: ['desktop_fp16', 'desktop_int8'] } as const;

/**
 * The profile that `auto` means on a machine for a kind of run. On a GPU when there is one that a kernel was seen to work on. Else on the CPU: in int8 only where
 * that pays and `canRun` says so, or in fp32, which runs everywhere.
 *
 * @param canRun whether the profile of a name can run here with the model of the run: not every model has int8 parts
 */
export function chooseProfile(
  { cores, int8Pays, gpu }: Omit<Machine, 'support'>,
  realtime: boolean,
  canRun: (name: string) => boolean,
): ProfileChoice {
  const { obstacle, name: gpuName, integrated } = gpu();
  const onGpu = obstacle === '' ? FOR_GPU[integrated ? 'integrated' : 'discrete'].find(canRun) : undefined;
  if (onGpu !== undefined) return { name: onGpu, reason: `there is a GPU that can do it, ${gpuName}` };
  if (!realtime) {
    return { name: 'cpu_fp32', reason: 'a recorded run has no deadline, so the network sees the full resolution' };
  }
  if (cores >= CORES_FOR_FP32) {
    return { name: 'cpu_fp32', reason: `${cores} cores are enough for a live run at full resolution` };
  }
  const isWhole = cores >= CORES_FOR_WHOLE_WINDOWS;
  const int8 = isWhole ? 'cpu_int8' : 'cpu_realtime';
  if (int8Pays && canRun(int8)) {
    return {
      name: int8,
      reason: `a live run on ${cores} cores keeps up in int8${isWhole ? '' : ' with small windows'}`,
    };
  }
  const lack = int8Pays
    ? 'the model has no int8 parts'
    : 'no instructions for products of int8 are known of this processor';
  return isWhole
    ? { name: 'cpu_fp32_half', reason: `a live run on ${cores} cores keeps up at half resolution, and ${lack}` }
    : {
        name: 'cpu_realtime_fp32',
        reason: `a live run on ${cores} cores needs half resolution and small windows to keep up, and ${lack}`,
      };
}
