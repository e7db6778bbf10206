// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import type { CpuOpsOptions } from '../../src/native/addon.ts';
import { makeOps, random } from './makeOps.ts';

const SIZE = { width: 48, height: 32, recordedWidth: 41, recordedHeight: 29 };

interface Recorded {
  data: Uint8Array;
  channels: number;
  step: number;
}

/** Random pixels with `padding` bytes of another pattern after every row. */
function recorded(channels: number, padding: number, seed = 5): Recorded {
  const next = random(seed);
  const step = SIZE.recordedWidth * channels + padding;
  const data = Uint8Array.from({ length: step * SIZE.recordedHeight }, () => 256 * next());
  return { data, channels, step };
}

/** Intensity at real coordinates by bilinear interpolation; the border pixel holds for a pixel beyond it, further out there is nothing. */
function bilinear({ data, channels, step }: Recorded, c: number, x: number, y: number): number {
  const { recordedWidth: W, recordedHeight: H } = SIZE;
  if (!(x >= -1 && y >= -1 && x < W && y < H)) return 0;
  const at = (u: number, v: number) =>
    data[Math.min(Math.max(v, 0), H - 1) * step + Math.min(Math.max(u, 0), W - 1) * channels + c]!;
  const [u, v] = [Math.floor(x), Math.floor(y)];
  const [a, b] = [x - u, y - v];
  return (1 - b) * ((1 - a) * at(u, v) + a * at(u + 1, v)) + b * ((1 - a) * at(u, v + 1) + a * at(u + 1, v + 1));
}

/** A map with coordinates over the image and up to 3 px around it; `quantum` rounds them. */
function randomMap(supersamples: number, quantum: number, seed = 6): Float32Array {
  const next = random(seed);
  const span = [SIZE.recordedWidth + 5, SIZE.recordedHeight + 5];
  const coordinate = (_: unknown, i: number) => Math.round((next() * span[i % 2]! - 3) / quantum) * quantum;
  return Float32Array.from({ length: SIZE.width * SIZE.height * supersamples * 2 }, coordinate);
}

/** Largest difference between the op and brute force, normalised intensity. */
async function worstError(channels: 1 | 3, supersamples: number, quantum: number, padding: number): Promise<number> {
  const map = randomMap(supersamples, quantum);
  const options: Partial<CpuOpsOptions> = { ...SIZE, channels, supersamples };
  const ops = makeOps(options, map);
  const image = recorded(channels, padding);
  await ops.prepareImage(image.data, SIZE.recordedWidth, SIZE.recordedHeight, channels, image.step);
  const pixels = SIZE.width * SIZE.height;
  let worst = 0;
  for (let c = 0; c < channels; c++) {
    for (let i = 0; i < pixels; i++) {
      let sum = 0;
      for (let s = 0; s < supersamples; s++) {
        const m = 2 * (i * supersamples + s);
        sum += bilinear(image, c, map[m]!, map[m + 1]!);
      }
      const expected = (2 * sum) / supersamples / 255 - 0.5;
      worst = Math.max(worst, Math.abs(ops.buffers.image[c * pixels + i]! - expected));
    }
  }
  return worst;
}

describe('image preparation against brute force', () => {
  for (const channels of [1, 3] as const) {
    for (const supersamples of [1, 4]) {
      it(`${channels} channel${channels > 1 ? 's' : ''}, ${supersamples} sample${supersamples > 1 ? 's' : ''} a pixel, padded rows`, async () => {
        // Coordinates in whole 1/256 px, as the op stores them: the sums are exact, what remains is single precision of a number below 2.
        const worst = await worstError(channels, supersamples, 1 / 256, 7);
        assert.ok(worst < 5e-7, `worst error ${worst}`);
      });
    }
  }

  it('one recorded channel fills three, with the bits of three that are equal', async () => {
    const ops = makeOps({ ...SIZE, channels: 3, supersamples: 4 }, randomMap(4, 1e-6));
    const { recordedWidth: W, recordedHeight: H } = SIZE;
    const gray = recorded(1, 7);
    const tripled = Uint8Array.from({ length: 3 * W * H }, (_, i) => {
      const pixel = Math.floor(i / 3);
      return gray.data[Math.floor(pixel / W) * gray.step + (pixel % W)]!;
    });
    await ops.prepareImage(tripled, W, H, 3, 3 * W);
    const expected = ops.buffers.image.slice();
    assert.ok(new Set(expected).size > 1000);
    ops.buffers.image.fill(Number.NaN);
    await ops.prepareImage(gray.data, W, H, 1, gray.step);
    assert.deepEqual(ops.buffers.image, expected);
  });

  it('any coordinate, to the resolution of the stored fractions', async () => {
    // Half of 1/256 px in both directions times the largest difference of neighbours (normalised 2): 2 * 2 / 512.
    const worst = await worstError(1, 1, 1e-6, 0);
    assert.ok(worst > 1e-5 && worst < 4 / 512, `worst error ${worst}`);
  });

  it('shows nothing (intensity 0) outside of the recorded image and where the map is not a number', async () => {
    const map = randomMap(1, 1).fill(10);
    const outside = [
      [-1.01, 5],
      [41, 5],
      [5, 29],
      [5, -7],
      [Number.NaN, 5],
      [5, Number.NaN],
      [1e30, 3],
      [-1e30, 3],
    ];
    map.set(outside.flat());
    const ops = makeOps({ ...SIZE }, map);
    const { data, step } = recorded(1, 0);
    await ops.prepareImage(data.fill(200), SIZE.recordedWidth, SIZE.recordedHeight, 1, step);
    assert.deepEqual(
      [...ops.buffers.image.subarray(0, outside.length)],
      outside.map(() => -0.5),
    );
    assert.ok(ops.buffers.image.subarray(outside.length).every((v) => Math.abs(v - (400 / 255 - 0.5)) < 1e-6));
  });

  it('is scale * intensity + offset, as the options say', async () => {
    const ops = makeOps({ ...SIZE, scale: 0.02, offset: -2 }, randomMap(1, 1).fill(3));
    const { data, step } = recorded(1, 0);
    await ops.prepareImage(data.fill(180), SIZE.recordedWidth, SIZE.recordedHeight, 1, step);
    assert.ok(ops.buffers.image.every((v) => Math.abs(v - 1.6) < 1e-6));
  });

  it('covers the range -0.5 to 1.5 with those of the published networks', async () => {
    const ops = makeOps({ ...SIZE }, randomMap(1, 1).fill(3));
    for (const [value, expected] of [
      [0, -0.5],
      [255, 1.5],
    ] as const) {
      const { data, step } = recorded(1, 0);
      await ops.prepareImage(data.fill(value), SIZE.recordedWidth, SIZE.recordedHeight, 1, step);
      assert.ok(ops.buffers.image.every((v) => Math.abs(v - expected) < 1e-6));
    }
  });
});

describe('images that cannot be prepared', () => {
  const ops = makeOps({ ...SIZE }, randomMap(1, 1));
  const { data } = recorded(1, 0);

  for (const [name, width, height, channels] of [
    ['another width', 40, 29, 1],
    ['another height', 41, 28, 1],
    ['another number of channels', 13, 29, 3],
  ] as const) {
    it(`${name} is refused and named`, async () => {
      await assert.rejects(ops.prepareImage(data, width, height, channels, 41), (error: NodeJS.ErrnoException) => {
        assert.equal(error.code, 'QPVO_IMAGE_SIZE');
        assert.match(
          error.message,
          new RegExp(`expected 41x29 with 1 channels, but received ${width}x${height} with ${channels}`),
        );
        return true;
      });
    });
  }

  it('the next image is prepared as if nothing had happened', async () => {
    await ops.prepareImage(data.fill(255), SIZE.recordedWidth, SIZE.recordedHeight, 1, 41);
    assert.ok(ops.buffers.image.some((v) => Math.abs(v - 1.5) < 1e-6));
  });

  it('data shorter than the size and step say are refused', () => {
    const prepare = (bytes: number, step: number) => ops.prepareImage(data.subarray(0, bytes), 41, 29, 1, step);
    assert.throws(() => prepare(41 * 29 - 1, 41), /image data: expected 1189 bytes, but received 1188/);
    assert.throws(() => prepare(41 * 29, 42), /expected 1217 bytes, but received 1189/);
    assert.throws(() => prepare(0, 41), /but received 0/);
  });

  it('the last row needs no padding', async () => {
    const padded = recorded(1, 9);
    const needed = padded.step * 28 + 41;
    await ops.prepareImage(padded.data.slice(0, needed), 41, 29, 1, padded.step);
  });

  it('steps shorter than a row, and arguments that are no numbers, are refused', () => {
    assert.throws(() => ops.prepareImage(data, 41, 29, 1, 40), /step: expected an integer from 41/);
    assert.throws(() => ops.prepareImage(data, 41, 29, 1, Number.NaN), /step: expected an integer/);
    assert.throws(() => ops.prepareImage(data, 41.5, 29, 1, 41), /width: expected an integer/);
    assert.throws(() => ops.prepareImage([] as unknown as Uint8Array, 41, 29, 1, 41), /prepareImage: expected/);
  });
});
