// SPDX-License-Identifier: MIT
import { createHash } from 'node:crypto';
import type { Network, PairBatch } from '../../../src/network/Network.ts';
import { openNetwork } from '../../../src/network/openNetwork.ts';
import { correlationLength } from '../../../src/network/weights/networkSizes.ts';
import { randomNumbers } from '../../conformance/randomNetwork.ts';

const HEIGHT = 96;
const WIDTH = 128;
export const PATCHES = 8;

export type Buffers = ReturnType<typeof encoderBuffers>;

/** The model small with buffers for a small image and 8 patches, all values repeatable. */
export async function openSmall(threads: number): Promise<{ network: Network; buffers: Buffers }> {
  const network = await openNetwork('models/small', { threads });
  const buffers = encoderBuffers(network);
  network.allocate({
    height: HEIGHT,
    width: WIDTH,
    patches: PATCHES,
    maxPairs: 400,
    maxSources: 32,
    ringSlots: 32,
    buffers,
  });
  return { network, buffers };
}

function encoderBuffers(network: Network) {
  const random = randomNumbers(11);
  const { featureDim, hiddenDim } = network.manifest.sizes;
  return {
    image: Float32Array.from({ length: HEIGHT * WIDTH }, () => 2 * random() - 0.5),
    cells: Int32Array.from({ length: PATCHES }, (_, m) => 40 + 67 * m),
    features: new Float32Array((featureDim * HEIGHT * WIDTH) / 16),
    context: new Float32Array(PATCHES * hiddenDim),
  };
}

/** All pairs of `sources` frames with `targets` frames. */
export function completeBatch(network: Network, sources: number, targets: number): PairBatch {
  const random = randomNumbers(5);
  const { sizes } = network.manifest;
  const count = sources * targets;
  const floats = (length: number) => Float32Array.from({ length }, () => 2 * random() - 1);
  const sourceIndex = Int32Array.from({ length: count }, (_, p) => Math.floor(p / targets));
  return {
    count,
    source: sourceIndex,
    sourceIndex,
    previous: Int32Array.from({ length: count }, (_, p) => (p % targets === 0 ? -1 : p - 1)),
    next: Int32Array.from({ length: count }, (_, p) => (p % targets === targets - 1 ? -1 : p + 1)),
    hiddenIn: floats(count * PATCHES * sizes.hiddenDim),
    hiddenOut: new Float32Array(count * PATCHES * sizes.hiddenDim),
    contextRing: floats(32 * PATCHES * sizes.hiddenDim),
    correlation: floats(count * PATCHES * correlationLength(sizes)),
    delta: new Float32Array(count * PATCHES * 2),
    weight: new Float32Array(count * PATCHES * 2),
  };
}

/** Checksum of everything an encode() and two updates give. */
export async function digest(threads: number): Promise<string> {
  const { network, buffers } = await openSmall(threads);
  const batch = completeBatch(network, 7, 5);
  await network.encode();
  await network.update(batch);
  [batch.hiddenIn, batch.hiddenOut] = [batch.hiddenOut, batch.hiddenIn];
  await network.update(batch);
  await network.close();
  const hash = createHash('sha256');
  for (const array of [buffers.features, buffers.context, batch.hiddenOut, batch.delta, batch.weight])
    hash.update(new Uint8Array(array.buffer));
  return hash.digest('hex');
}
