// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { importModel } from '../../src/network/importModel.ts';
import type { Network, PairBatch } from '../../src/network/Network.ts';
import { openNetwork } from '../../src/network/openNetwork.ts';
import { correlationLength } from '../../src/network/weights/networkSizes.ts';
import { readWeights } from '../../src/network/weights/readWeights.ts';
import { encodeSafetensors } from '../../src/network/weights/safetensors.ts';
import type { Weights } from '../../src/network/weights/Weights.ts';
import { type Edge, edgeListUpdate } from './edgeListUpdate.ts';
import { narrowed } from './narrowed.ts';
import { randomNumbers, randomWeights, TINY_MODEL } from './randomNetwork.ts';
import { temporaryFolder } from './temporaryFolder.ts';

/** Single precision over chains of about 20 layers; measured 4e-6. */
const TOLERANCE = 2e-5;

type Pair = readonly [source: number, target: number];

const complete = (frames: number): Pair[] =>
  [...Array(frames * frames).keys()].map((n) => [Math.floor(n / frames), n % frames] as const);

/** Pairs of the sliding window in steady state, no keyframe removed. */
const steady = (removal: number, lifetime: number): Pair[] => {
  const newest = removal + lifetime;
  const pairs: Pair[] = [];
  for (let i = newest - removal; i <= newest; i++) {
    for (let j = i - lifetime + 1; j <= Math.min(newest, i + lifetime - 1); j++) pairs.push([i, j]);
  }
  return pairs;
};

const CASES: { name: string; patches: number; pairs: Pair[] }[] = [
  { name: 'one pair: no neighbour, groups of one pair', patches: 5, pairs: [[3, 3]] },
  { name: 'one patch: groups of one member', patches: 1, pairs: complete(3) },
  {
    name: 'sources with one, two and three targets',
    patches: 4,
    pairs: [
      [0, 0],
      [1, 0],
      [1, 1],
      [2, 0],
      [2, 1],
      [2, 2],
    ],
  },
  {
    name: 'gaps in the targets after keyframes were removed',
    patches: 3,
    pairs: [
      [2, 0],
      [2, 3],
      [2, 9],
      [5, 9],
      [5, 2],
      [9, 5],
      [9, 9],
      [9, 0],
      [9, 3],
    ],
  },
  { name: 'initialisation: 8 frames, all with all', patches: 4, pairs: complete(8) },
  { name: 'steady state of windows 16/11', patches: 2, pairs: steady(16, 11) },
];

describe('update operator against an edge list in double precision', function () {
  this.timeout(60000);
  const folder = temporaryFolder();

  it('has the pair counts of the published windows', () => {
    assert.equal(steady(16, 11).length, 302);
    assert.equal(steady(22, 13).length, 497);
  });

  for (const [index, { name, patches, pairs }] of CASES.entries()) {
    it(name, async () => {
      const weights = randomWeights(TINY_MODEL, index + 1);
      await compare(weights, join(folder, `case${index}`), patches, pairs, index + 1);
    });
  }

  it('softmax logits a hundred apart, whole groups far below others', async () => {
    const weights = randomWeights(TINY_MODEL, 77);
    for (const group of ['agg_kk', 'agg_ij']) {
      const { data } = weights.get(`update.${group}.g.weight`)!;
      for (let n = 0; n < data.length; n++) data[n]! *= 30;
    }
    await compare(weights, join(folder, 'logits'), 3, complete(5), 77);
  });

  it('a pruned network, whose inner layers are narrower', async () => {
    await compare(narrowed(randomWeights(TINY_MODEL, 21)), join(folder, 'pruned'), 3, complete(4), 21);
  });

  it('the weights of the model small', async () => {
    const weights = readWeights('models/small/weights.safetensors');
    await compare(
      weights,
      join(folder, 'small'),
      5,
      [
        [0, 0],
        [0, 2],
        [1, 0],
        [1, 1],
        [1, 2],
        [4, 1],
      ],
      5,
    );
  });
});

/** Gives the same random state to both forms, twice in a row, and compares all outputs. Pairs reach the product in random order. */
async function compare(
  weights: Weights,
  folder: string,
  patches: number,
  ordered: Pair[],
  seed: number,
): Promise<void> {
  const random = randomNumbers(seed);
  const pairs = ordered
    .map((pair) => ({ pair, key: random() }))
    .sort((a, b) => a.key - b.key)
    .map(({ pair }) => pair);
  const network = await networkOf(weights, folder, patches, pairs.length);
  const { batch, edges, context, published } = randomBatch(network, patches, pairs, random);
  const dim = network.manifest.sizes.hiddenDim;
  for (let pass = 0; pass < 2; pass++) {
    const rows = edges.map((_, e) => Float64Array.from(batch.hiddenIn.subarray(e * dim, (e + 1) * dim)));
    const expected = edgeListUpdate(weights, edges, rows, context, published);
    await network.update(batch);
    closeTo(batch.hiddenOut, expected.hidden, 'hidden state');
    closeTo(batch.delta, expected.delta, 'delta');
    closeTo(batch.weight, expected.weight, 'weight');
    [batch.hiddenIn, batch.hiddenOut] = [batch.hiddenOut, batch.hiddenIn];
  }
  await network.close();
}

async function networkOf(weights: Weights, folder: string, patches: number, maxPairs: number): Promise<Network> {
  const path = `${folder}.safetensors`;
  writeFileSync(path, encodeSafetensors(weights));
  const { sizes } = await importModel(path, { name: 'test', outDir: folder });
  const network = await openNetwork(folder, { threads: 2 });
  const buffers = {
    image: new Float32Array(sizes.inputChannels * 64 * 64),
    cells: new Int32Array(patches),
    features: new Float32Array(sizes.featureDim * 16 * 16),
    context: new Float32Array(patches * sizes.hiddenDim),
  };
  network.allocate({ height: 64, width: 64, patches, maxPairs, maxSources: maxPairs, ringSlots: 64, buffers });
  return network;
}

function randomBatch(network: Network, patches: number, pairs: Pair[], random: () => number) {
  const { sizes } = network.manifest;
  const dim = sizes.hiddenDim;
  const length = correlationLength(sizes);
  const count = pairs.length;
  const floats = (n: number, spread: number) => Float32Array.from({ length: n }, () => spread * (2 * random() - 1));
  const sources = [...new Set(pairs.map(([source]) => source))];
  const batch: PairBatch = {
    count,
    source: Int32Array.from(pairs, ([source]) => source),
    sourceIndex: Int32Array.from(pairs, ([source]) => sources.indexOf(source)),
    previous: Int32Array.from(pairs, (pair) => neighbour(pairs, pair, -1)),
    next: Int32Array.from(pairs, (pair) => neighbour(pairs, pair, 1)),
    hiddenIn: floats(count * patches * dim, 1),
    hiddenOut: new Float32Array(count * patches * dim),
    contextRing: floats(64 * patches * dim, 1),
    correlation: floats(count * patches * length, 2),
    delta: new Float32Array(count * patches * 2),
    weight: new Float32Array(count * patches * 2),
  };
  const edges: Edge[] = pairs.flatMap(([i, j]) =>
    Array.from({ length: patches }, (_, m) => ({ i, j, k: i * patches + m })),
  );
  const context = edges.map(({ k }) => Float64Array.from(batch.contextRing.subarray(k * dim, (k + 1) * dim)));
  const published = edges.map((_, e) => publishedOrder(batch.correlation.subarray(e * length, (e + 1) * length)));
  return { batch, edges, context, published };
}

function neighbour(pairs: Pair[], [source, target]: Pair, direction: 1 | -1): number {
  const targets = pairs.filter(([s, t]) => s === source && (t - target) * direction > 0).map(([, t]) => t);
  const nearest = direction === 1 ? Math.min(...targets) : Math.max(...targets);
  return targets.length === 0 ? -1 : pairs.findIndex(([s, t]) => s === source && t === nearest);
}

/** [level][py][px][dy][dx] to [dx][dy][py][px][level]. */
function publishedOrder(ours: Float32Array): Float64Array<ArrayBuffer> {
  const out = new Float64Array(882);
  for (let n = 0; n < 882; n++) {
    const level = n % 2;
    const px = Math.floor(n / 2) % 3;
    const py = Math.floor(n / 6) % 3;
    const dy = Math.floor(n / 18) % 7;
    const dx = Math.floor(n / 126);
    out[n] = ours[level * 441 + py * 147 + px * 49 + dy * 7 + dx]!;
  }
  return out;
}

function closeTo(actual: Float32Array, expected: Float64Array[], what: string): void {
  let worst = 0;
  const width = expected[0]!.length;
  for (const [e, row] of expected.entries())
    for (const [c, value] of row.entries()) worst = Math.max(worst, Math.abs(value - actual[e * width + c]!));
  assert.ok(worst <= TOLERANCE, `${what} differs by ${worst}`);
}
