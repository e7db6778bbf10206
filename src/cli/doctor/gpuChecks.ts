// SPDX-License-Identifier: MIT
import { spawnSync } from 'node:child_process';
import { capabilityText, cudaVersion, gpuOffer, hasTensorrtModule } from '../../config/gpuOffer.ts';
import { messageOf } from '../../error.ts';
import type { GpuReport } from '../../native/addon.ts';
import { type GpuProbe, gpuProbe } from '../../native/gpuProbe.ts';
import { probeTensorrt } from '../../tensorrt/builderProcess.ts';
import type { Check } from './Check.ts';

/** Compiler of CUDA, the CUDA that the addon was built with, driver, GPUs and TensorRT. None of them is needed: what is absent is no fault. */
export async function checkGpu(): Promise<Check[]> {
  return [checkCompiler(), ...gpuChecks(gpuProbe()), await checkTensorrt()];
}

function checkCompiler(): Check {
  const { error, status, stdout } = spawnSync('nvcc', ['--version'], { encoding: 'utf8' });
  const version = error === undefined && status === 0 ? /release ([\d.]+)/.exec(stdout)?.[1] : undefined;
  return version === undefined
    ? { name: 'nvcc', status: 'unavailable', detail: 'not found; needed only to build the addon for a GPU' }
    : { name: 'nvcc', status: 'ok', detail: `CUDA ${version}` };
}

/** What a probe says, as findings. */
export function gpuChecks(probe: GpuProbe): Check[] {
  if ('obstacle' in probe) return [{ name: 'GPU', status: 'unavailable', detail: probe.obstacle }];
  const { report } = probe;
  const { obstacle } = gpuOffer(probe, false);
  return [
    { name: 'CUDA of the addon', status: 'ok', detail: `${cudaVersion(report.runtimeVersion)}, ${NOT_RUN}` },
    driverCheck(report),
    ...report.devices.map((gpu, i): Check => {
      const { name, computeCapability, totalMb, freeMb, integrated } = gpu;
      const memory = `${Math.round(freeMb)} of ${Math.round(totalMb)} MB free${integrated ? ', shared with the processor' : ''}`;
      const text = `${name}, compute capability ${capabilityText(computeCapability)}, ${memory}`;
      if (i > 0) return { name: `GPU ${i}`, status: 'unavailable', detail: `${text}; only the first GPU is used` };
      return obstacle === ''
        ? { name: 'GPU', status: 'ok', detail: `${text}; a kernel ran and gave the right result` }
        : { name: 'GPU', status: 'unavailable', detail: `${text}; ${obstacle}` };
    }),
  ];
}

/** True of this version until somebody has run it on one. */
const NOT_RUN = 'written and tested in emulation: this version of qpvo has not yet been run on a GPU';

function driverCheck({ driverVersion, devices, fault }: GpuReport): Check {
  if (driverVersion === 0) return { name: 'NVIDIA driver', status: 'unavailable', detail: 'none is loaded' };
  const version = `for CUDA up to ${cudaVersion(driverVersion)}`;
  return devices.length > 0
    ? { name: 'NVIDIA driver', status: 'ok', detail: version }
    : { name: 'NVIDIA driver', status: 'unavailable', detail: `${version}, but no GPU: ${fault || 'it shows none'}` };
}

/** Its version is asked for in a process of its own too. */
async function checkTensorrt(): Promise<Check> {
  const name = 'TensorRT';
  if (!hasTensorrtModule()) {
    return {
      name,
      status: 'unavailable',
      detail: 'its modules are not built: they are where the addon is built with CUDA and TensorRT is found',
    };
  }
  try {
    const { tensorrt, dlaCores } = await probeTensorrt();
    return { name, status: 'ok', detail: `${tensorrt}, ${dlaCores} DLA cores; ${NOT_RUN_TENSORRT}` };
  } catch (error) {
    return { name, status: 'unavailable', detail: messageOf(error) };
  }
}

const NOT_RUN_TENSORRT = 'compiled against its headers: this version of qpvo has not yet been run with it';
