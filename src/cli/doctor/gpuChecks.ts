// SPDX-License-Identifier: MIT
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { capabilityText, cudaVersion, gpuOffer } from '../../config/gpuOffer.ts';
import type { GpuReport } from '../../native/addon.ts';
import { type GpuProbe, gpuProbe } from '../../native/gpuProbe.ts';
import type { Check } from './Check.ts';
import { driverVersion } from './driverVersion.ts';

/** Compiler of CUDA, the CUDA that the addon was built with, driver and GPUs. None of them is needed: what is absent is no fault. */
export function checkGpu(): Check[] {
  return [compilerCheck(), ...gpuChecks(gpuProbe())];
}

/** The nvcc that a build takes, looked for where the build does (native/cuda.cmake, scripts/setup/gpuTools.mjs). */
export function compilerCheck(): Check {
  const { CUDACXX: named, CUDA_PATH: path, CUDA_HOME: home } = process.env;
  const inFolders = (...folders: (string | undefined)[]) =>
    folders.flatMap((folder) => (folder ? [join(folder, 'bin', 'nvcc')] : []));
  const places = named ? [named] : [...inFolders(path, home), 'nvcc', ...inFolders('/usr/local/cuda')];
  for (const nvcc of places) {
    const { stdout } = spawnSync(nvcc, ['--version'], { encoding: 'utf8' });
    const version = /release ([\d.]+)/.exec(stdout ?? '')?.[1];
    if (version !== undefined)
      return { name: 'nvcc', status: 'ok', detail: nvcc === 'nvcc' ? `CUDA ${version}` : `CUDA ${version}, ${nvcc}` };
  }
  return { name: 'nvcc', status: 'unavailable', detail: 'not found; needed only to build the addon for a GPU' };
}

/** What a probe says, as findings. `driver` is the version that the driver states itself; empty where it states none. */
export function gpuChecks(probe: GpuProbe, driver: string = driverVersion()): Check[] {
  if ('obstacle' in probe) return [{ name: 'GPU', status: 'unavailable', detail: probe.obstacle }];
  const { report } = probe;
  const { obstacle } = gpuOffer(probe, '');
  return [
    { name: 'CUDA of the addon', status: 'ok', detail: `${cudaVersion(report.runtimeVersion)}, ${NOT_RUN}` },
    driverCheck(report, driver),
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

function driverCheck({ driverVersion: newest, devices, fault }: GpuReport, driver: string): Check {
  if (newest === 0) return { name: 'NVIDIA driver', status: 'unavailable', detail: 'none is loaded' };
  const version = `${driver === '' ? '' : `${driver}, `}for CUDA up to ${cudaVersion(newest)}`;
  return devices.length > 0
    ? { name: 'NVIDIA driver', status: 'ok', detail: version }
    : { name: 'NVIDIA driver', status: 'unavailable', detail: `${version}, but no GPU: ${fault || 'it shows none'}` };
}
