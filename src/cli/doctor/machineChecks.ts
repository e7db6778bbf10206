// SPDX-License-Identifier: MIT
import { addonPath, loadAddon } from '../../native/loadAddon.ts';
import { int8Products, processorFlags } from '../../processorFlags.ts';
import { hostInfo } from '../hostInfo.ts';
import { type Check, checkOf } from './Check.ts';
import { checkTools } from './toolChecks.ts';

/** Processor, build tools and the native addon. */
export async function checkMachine(): Promise<Check[]> {
  return [checkProcessor(), ...checkTools(), await checkAddon()];
}

/** Instruction sets from the widest to the narrowest, by their names in /proc/cpuinfo. */
const SIMD_LEVELS: readonly (readonly [string, string])[] = [
  ['avx512f', 'AVX-512'],
  ['avx2', 'AVX2'],
  ['sse4_2', 'SSE4.2'],
  ['asimd', 'NEON'],
];

function checkProcessor(): Check {
  const { cpu, cores, memoryMb } = hostInfo();
  const flags = processorFlags();
  const level = SIMD_LEVELS.find(([flag]) => flags.has(flag))?.[1];
  const products = int8Products();
  const int8 = products.length === 0 ? 'no int8 products known' : `int8 products: ${products.join(', ')}`;
  const machine = `${cpu}, ${cores} cores, ${memoryMb} MB, ${process.platform} ${process.arch}`;
  return level === undefined
    ? { name: 'processor', status: 'warning', detail: `${machine}, unknown SIMD level` }
    : { name: 'processor', status: 'ok', detail: `${machine}, ${level}, ${int8}` };
}

function checkAddon(): Promise<Check> {
  return checkOf('addon', () => {
    loadAddon();
    return addonPath();
  });
}
