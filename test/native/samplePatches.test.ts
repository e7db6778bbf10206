// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import type { CellArea, CpuOps, PatchSelection } from '../../src/native/addon.ts';
import { makeOps, random, WHOLE } from './makeOps.ts';

const W = 32;
const H = 24;

const cellsOf = async (ops: CpuOps, seed: number, sequence: number, selection: PatchSelection = 'random') => {
  await ops.samplePatches(0, seed, sequence, selection, -1, WHOLE);
  return [...ops.buffers.cells];
};

/** Pearson's statistic of counts that should all be equal: mean n - 1, variance 2 (n - 1). */
function chiSquare(counts: number[]): number {
  const expected = counts.reduce((a, b) => a + b, 0) / counts.length;
  return counts.reduce((sum, n) => sum + (n - expected) ** 2 / expected, 0);
}

describe('patch sampling', () => {
  it('draws the same patches and depths for the same seed and image, whatever was drawn before', async () => {
    const [a, b] = [makeOps(), makeOps({ threads: 1 })];
    await cellsOf(b, 9, 9);
    assert.deepEqual(await cellsOf(a, 7, 3), await cellsOf(b, 7, 3));
    assert.deepEqual(a.buffers.inverseDepth.slice(0, 20), b.buffers.inverseDepth.slice(0, 20));
  });

  it('draws others for another seed or image', async () => {
    const ops = makeOps();
    const draws = [];
    for (const [seed, sequence] of [
      [0, 0],
      [0, 1],
      [1, 0],
      [1, 1],
      [4294967295, 0],
      [2 ** 40, 0],
      [0, 2 ** 40],
    ] as const) {
      draws.push((await cellsOf(ops, seed, sequence)).join());
    }
    assert.equal(new Set(draws).size, draws.length);
  });

  it('is uniform over the grid without its border', async () => {
    const ops = makeOps({ patches: 1000 });
    const counts = new Array<number>(W * H).fill(0);
    for (let sequence = 0; sequence < 20; sequence++) {
      for (const cell of await cellsOf(ops, 11, sequence)) counts[cell]!++;
    }
    const isInside = (cell: number) => cell % W >= 1 && cell % W <= W - 2 && cell >= W && cell < (H - 1) * W;
    assert.ok(
      counts.every((n, cell) => n === 0 || isInside(cell)),
      'a patch reaches out of the grid',
    );
    const inside = counts.filter((_, cell) => isInside(cell));
    const statistic = chiSquare(inside);
    const [mean, sigma] = [inside.length - 1, Math.sqrt(2 * (inside.length - 1))];
    assert.ok(Math.abs(statistic - mean) < 4 * sigma, `chi square ${statistic}, expected ${mean} +- ${sigma}`);
  });

  it('stores the centroids of the slot, and leaves other slots alone', async () => {
    const ops = makeOps();
    const { patchX, patchY, cells, patchStride, inverseDepth, colors } = ops.buffers;
    for (const array of [patchX, patchY, inverseDepth, colors]) array.fill(77);
    await ops.samplePatches(3, 1, 2, 'random', 0.25, WHOLE);
    cells.forEach((cell, k) => {
      assert.equal(patchX[3 * patchStride + k], cell % W);
      assert.equal(patchY[3 * patchStride + k], Math.floor(cell / W));
    });
    for (const array of [patchX, patchY, inverseDepth]) {
      assert.ok(array.subarray(0, 3 * patchStride).every((v) => v === 77));
      assert.ok(array.subarray(4 * patchStride).every((v) => v === 77));
    }
    assert.ok(colors.subarray(0, 3 * 60).every((v) => v === 77));
    assert.ok(colors.subarray(4 * 60).every((v) => v === 77));
  });

  it('gives every patch the depth it is told, or one of its own, uniform in [0, 1)', async () => {
    const ops = makeOps({ patches: 1000 });
    const { inverseDepth } = ops.buffers;
    await ops.samplePatches(0, 1, 1, 'random', 0.625, WHOLE);
    assert.ok(inverseDepth.subarray(0, 1000).every((d) => d === 0.625));
    await ops.samplePatches(0, 1, 1, 'random', 0, WHOLE);
    assert.ok(inverseDepth.subarray(0, 1000).every((d) => d === 0));
    const counts = new Array<number>(20).fill(0);
    for (let sequence = 0; sequence < 10; sequence++) {
      await ops.samplePatches(0, 1, sequence, 'random', -1, WHOLE);
      for (const d of inverseDepth.subarray(0, 1000)) counts[Math.floor(20 * d)]!++;
    }
    assert.equal(counts.length, 20, 'a depth lies outside [0, 1)');
    const statistic = chiSquare(counts);
    assert.ok(statistic < 19 + 4 * Math.sqrt(38), `chi square ${statistic}, expected 19 +- 6`);
  });
});

describe('patch sampling within an area', () => {
  const AREA = { left: 4, top: 9, right: 17, bottom: 11 };

  it('is uniform over the area, its first and last cells included', async () => {
    const ops = makeOps({ patches: 1000 });
    const counts = new Map<number, number>();
    for (let sequence = 0; sequence < 5; sequence++) {
      await ops.samplePatches(0, 3, sequence, 'random', 1, AREA);
      for (const cell of ops.buffers.cells) counts.set(cell, (counts.get(cell) ?? 0) + 1);
    }
    const [xs, ys] = [[...counts.keys()].map((c) => c % W), [...counts.keys()].map((c) => Math.floor(c / W))];
    assert.deepEqual([Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)], [4, 17, 9, 11]);
    assert.equal(counts.size, 14 * 3);
    const statistic = chiSquare([...counts.values()]);
    assert.ok(Math.abs(statistic - 41) < 4 * Math.sqrt(82), `chi square ${statistic}, expected 41 +- 9`);
  });

  it('holds for candidates by gradient, and for an area of one cell', async () => {
    const ops = await withImage(1, 60);
    await ops.samplePatches(0, 3, 1, 'gradient', 1, AREA);
    for (const cell of ops.buffers.cells) {
      assert.ok(cell % W >= 4 && cell % W <= 17 && cell >= 9 * W && cell < 12 * W, `cell ${cell}`);
    }
    await ops.samplePatches(0, 3, 1, 'random', 1, { left: 30, top: 22, right: 30, bottom: 22 });
    assert.ok(ops.buffers.cells.every((cell) => cell === 22 * W + 30));
  });

  it('refuses areas that are empty or reach out of the grid, and none at all', () => {
    const ops = makeOps();
    const sample = (area: unknown) => () => ops.samplePatches(0, 0, 0, 'random', 1, area as CellArea);
    assert.throws(sample({ ...AREA, left: 0 }), /left: expected an integer from 1 to 30, but received 0/);
    assert.throws(sample({ ...AREA, right: 31 }), /right: expected an integer from 4 to 30, but received 31/);
    assert.throws(sample({ ...AREA, bottom: 23 }), /bottom: expected an integer from 9 to 22, but received 23/);
    assert.throws(sample({ ...AREA, right: 3 }), /right: expected an integer from 4/);
    assert.throws(sample({ ...AREA, top: 9.5 }), /top: expected an integer/);
    assert.throws(sample(undefined), { code: 'QPVO_INTERNAL', message: /area: expected/ });
  });
});

/** Ops with a prepared image: noise whose strength grows to the right, so that gradients differ everywhere. */
async function withImage(channels: 1 | 3, patches: number): Promise<CpuOps> {
  const next = random(8);
  const ops = makeOps({ channels, patches });
  const pixel = (_: unknown, i: number) => 255 * next() ** (1 + (3 * (Math.floor(i / channels) % 128)) / 128);
  await ops.prepareImage(Uint8Array.from({ length: 128 * 96 * channels }, pixel), 128, 96, channels, 128 * channels);
  return ops;
}

/** Mean over the 4 x 4 pixels of a cell of the length of the forward differences of the channel sum; no difference across the border. */
function gradient(image: Float32Array, channels: number, cell: number): number {
  const at = (x: number, y: number) => {
    let sum = 0;
    for (let c = 0; c < channels; c++) sum += image[(c * 96 + y) * 128 + x]!;
    return sum;
  };
  let sum = 0;
  for (let i = 0; i < 16; i++) {
    const [x, y] = [4 * (cell % W) + (i % 4), 4 * Math.floor(cell / W) + Math.floor(i / 4)];
    sum += Math.hypot(x < 127 ? at(x + 1, y) - at(x, y) : 0, y < 95 ? at(x, y + 1) - at(x, y) : 0);
  }
  return sum / 16;
}

describe('patch sampling by gradient', () => {
  for (const channels of [1, 3] as const) {
    it(`takes the strongest of three times as many random places, ${channels} channel${channels > 1 ? 's' : ''}`, async () => {
      const many = await withImage(channels, 60);
      const few = await withImage(channels, 20);
      const candidates = await cellsOf(many, 5, 6, 'random');
      const strength = new Map(candidates.map((cell) => [cell, gradient(many.buffers.image, channels, cell)]));
      const best = candidates.toSorted((a, b) => strength.get(b)! - strength.get(a)!).slice(0, 20);
      const chosen = await cellsOf(few, 5, 6, 'gradient');
      assert.deepEqual(chosen, best);
      assert.notDeepEqual(
        new Set(candidates.slice(0, 20)),
        new Set(best),
        'the image does not tell the two ways apart',
      );
    });
  }

  it('takes the first half uniformly and the others by gradient when mixed', async () => {
    for (const patches of [20, 21, 1]) {
      const uniform = Math.ceil(patches / 2);
      const many = await withImage(1, uniform + 3 * (patches - uniform));
      const candidates = await cellsOf(many, 5, 6, 'random');
      const strength = new Map(candidates.map((cell) => [cell, gradient(many.buffers.image, 1, cell)]));
      const rest = candidates.slice(uniform).toSorted((a, b) => strength.get(b)! - strength.get(a)!);
      const expected = [...candidates.slice(0, uniform), ...rest.slice(0, patches - uniform)];
      assert.deepEqual(await cellsOf(await withImage(1, patches), 5, 6, 'mixed'), expected);
    }
  });

  it('refuses another way', () => {
    const sample = () => makeOps().samplePatches(0, 0, 0, 'best' as PatchSelection, 1, WHOLE);
    assert.throws(sample, /selection: expected random, gradient or mixed, but received best/);
  });

  it('works on an image without any gradient', async () => {
    const ops = makeOps();
    assert.equal(new Set(await cellsOf(ops, 5, 6, 'gradient')).size > 15, true);
  });
});

describe('colours of patches', () => {
  for (const { channels, ...normalisation } of [
    { channels: 1 },
    { channels: 3 },
    { channels: 3, scale: 1 / 60, offset: -2.1 },
  ] as const) {
    it(`are the recorded ones of the pixel at the centre of the cell, ${JSON.stringify({ channels, ...normalisation })}`, async () => {
      const next = random(9);
      const data = Uint8Array.from({ length: 128 * 96 * channels }, () => 256 * next());
      const ops = makeOps({ channels, ...normalisation });
      await ops.prepareImage(data, 128, 96, channels, 128 * channels);
      for (const [k, cell] of (await cellsOf(ops, 1, 1)).entries()) {
        const at = ((4 * Math.floor(cell / W) + 2) * 128 + 4 * (cell % W) + 2) * channels;
        const recorded = [...data.subarray(at, at + channels)];
        const rgb = channels === 3 ? recorded.reverse() : [recorded[0], recorded[0], recorded[0]];
        assert.deepEqual([...ops.buffers.colors.subarray(3 * k, 3 * k + 3)], rgb);
      }
    });
  }
});
