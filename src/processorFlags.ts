// SPDX-License-Identifier: MIT
import { readFileSync } from 'node:fs';

/** Instruction sets of this processor, by their names in /proc/cpuinfo; empty where that cannot be read. */
export function processorFlags(): ReadonlySet<string> {
  try {
    const text = readFileSync('/proc/cpuinfo', 'utf8');
    return new Set(/^(?:flags|Features)\s*:(.*)$/m.exec(text)?.[1]?.trim().split(/\s+/));
  } catch {
    return new Set();
  }
}

/** Instructions for products of int8 summed in 32 bits. */
const INT8_PRODUCTS: readonly (readonly [flag: string, name: string])[] = [
  ['amx_int8', 'AMX'],
  ['avx512_vnni', 'AVX-512 VNNI'],
  ['avx_vnni', 'AVX-VNNI'],
  ['asimddp', 'dot product'],
];

/** Names of the instructions that this processor is known to have for products of int8; empty where its flags cannot be read. */
export function int8Products(): string[] {
  const flags = processorFlags();
  return INT8_PRODUCTS.flatMap(([flag, name]) => (flags.has(flag) ? [name] : []));
}
