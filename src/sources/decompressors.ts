// SPDX-License-Identifier: MIT
import { decodeLz4Frame } from './lz4Frame.ts';

/** (compressed bytes, size after decompression) => bytes, by the names that MCAP and ROS 1 bags use. */
export type Decompressors = Readonly<
  Record<'lz4' | 'zstd' | 'bz2', (bytes: Uint8Array, size: number | bigint) => Uint8Array>
>;

/** Chunks are a few megabytes; a size beyond this only comes from damage, and would be allocated before anything else is checked. */
const MAX_CHUNK_BYTES = 512 << 20;

export async function loadDecompressors(): Promise<Decompressors> {
  const { loadDecompressHandlers } = await import('@mcap/support');
  const handlers = await loadDecompressHandlers();
  return {
    lz4: (bytes, size) => decodeLz4Frame(bytes, plausible(size)),
    zstd: (bytes, size) => exactly(size, handlers.zstd!(bytes, BigInt(plausible(size)))),
    bz2: (bytes, size) => exactly(size, handlers.bz2!(bytes, BigInt(plausible(size)))),
  };
}

function plausible(size: number | bigint): number {
  if (size > MAX_CHUNK_BYTES) throw new Error(`a chunk says it holds ${size} bytes`);
  return Number(size);
}

function exactly(size: number | bigint, bytes: Uint8Array): Uint8Array {
  if (bytes.length !== Number(size)) throw new Error(`a chunk holds ${bytes.length} bytes where ${size} should be`);
  return bytes;
}
