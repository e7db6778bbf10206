// SPDX-License-Identifier: MIT
import os from 'node:os';
import type { RunSummary } from '../outputs/RunSummary.ts';

/** The machine, as it is named in summaries and benchmark results. */
export function hostInfo(): RunSummary['host'] {
  return {
    cpu: os.cpus()[0]?.model.trim() || os.machine(),
    cores: os.availableParallelism(),
    memoryMb: Math.round(os.totalmem() / 2 ** 20),
    os: `${os.type()} ${os.release()} ${os.arch()}`,
    node: process.version,
  };
}

/** Peak resident memory of this process, MB (2^20 bytes). */
export function peakRssMb(): number {
  return process.resourceUsage().maxRSS / 1024;
}
