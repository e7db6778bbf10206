// SPDX-License-Identifier: MIT
import { QpvoError } from '../error.ts';
import type { PairBatch } from './Network.ts';

/** The pairs of one source frame, in ascending order of their targets. */
export type Chain = number[];

/**
 * Splits the pairs of a batch into chains of one source each, longest first.
 * @throws QPVO_INTERNAL when the neighbour table is not a set of chains that covers every pair once, or a source has two
 */
export function sourceChains(batch: Pick<PairBatch, 'count' | 'source' | 'previous' | 'next'>): Chain[] {
  const { count, source, previous, next } = batch;
  const chains: Chain[] = [];
  const sources = new Set<number>();
  let covered = 0;
  for (let first = 0; first < count; first++) {
    if (previous[first] !== -1) continue;
    const chain: Chain = [];
    for (let pair = first; pair !== -1 && chain.length <= count; pair = next[pair]!) {
      if (!(pair >= 0 && pair < count) || source[pair] !== source[first])
        throw broken(`pair ${pair} in the chain of pair ${first}`);
      chain.push(pair);
    }
    chains.push(chain);
    sources.add(source[first]!);
    covered += chain.length;
  }
  if (covered !== count || sources.size !== chains.length)
    throw broken(`${chains.length} chains of ${sources.size} sources with ${covered} of ${count} pairs`);
  return chains.sort((a, b) => b.length - a.length);
}

function broken(received: string): QpvoError {
  return new QpvoError('QPVO_INTERNAL', {
    what: 'the neighbours of the frame pairs are inconsistent',
    expected: 'one chain per source',
    received,
  });
}
