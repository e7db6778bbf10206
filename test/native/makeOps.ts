// SPDX-License-Identifier: MIT
import type { CellArea, CpuOps, CpuOpsOptions } from '../../src/native/addon.ts';
import { loadAddon } from '../../src/native/loadAddon.ts';

/** Small ops for tests: identity undistortion unless a map is given. */
export function makeOps(options: Partial<CpuOpsOptions> = {}, map?: Float32Array): CpuOps {
  const full = smallOptions(options);
  return new (loadAddon().CpuOps)(full, map ?? identityMap(full));
}

/** The same made off the JavaScript thread. */
export function createOps(options: Partial<CpuOpsOptions> = {}, map?: Float32Array): Promise<CpuOps> {
  const full = smallOptions(options);
  return loadAddon().CpuOps.create(full, map ?? identityMap(full));
}

/** Options of small ops, completed. */
export function smallOptions(options: Partial<CpuOpsOptions>): CpuOpsOptions {
  return {
    channels: 1,
    width: 128,
    height: 96,
    recordedWidth: 128,
    recordedHeight: 96,
    supersamples: 1,
    featureDim: 16,
    hiddenDim: 8,
    patches: 20,
    ringSlots: 8,
    maxPairs: 64,
    threads: 2,
    scale: 2 / 255,
    offset: -0.5,
    fx: 25,
    fy: 26,
    cx: 15.5,
    cy: 11.5,
    correlation: 'fp32',
    instructionSet: '',
    correlationScale: 0,
    ...options,
  };
}

/** Every cell of the small ops that a patch may have. */
export const WHOLE: CellArea = { left: 1, top: 1, right: 30, bottom: 22 };

/** Every pixel comes from its own place. */
export function identityMap({ width, height, supersamples }: CpuOpsOptions): Float32Array {
  const map = new Float32Array(width * height * supersamples * 2);
  for (let i = 0, at = 0; i < width * height; i++) {
    for (let s = 0; s < supersamples; s++) {
      map[at++] = i % width;
      map[at++] = Math.floor(i / width);
    }
  }
  return map;
}

/** Repeatable pseudo-random numbers in [0, 1) (mulberry32). */
export function random(seed: number): () => number {
  let a = seed >>> 0;
  return () => {
    a = (a + 0x6d2b79f5) >>> 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

export function normal(next: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
}
