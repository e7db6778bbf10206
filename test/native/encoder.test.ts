// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { loadAddon } from '../../src/native/loadAddon.ts';
import {
  allCells,
  atCells,
  BASE,
  difference,
  type EncoderWidths,
  encodeNative,
  ODD,
  quantizedEncoder,
  randomEncoder,
  randomImage,
  SMALL,
} from './encoderNetworks.ts';
import { referenceContext, referenceFeatures, type Tensors } from './encoderReference.ts';

/** Single precision against double: measured 8e-7 (fp32) and 1e-7 (int8) of the largest value. */
const ROUNDING = 3e-6;
/** A value beside a rounding tie may fall on its other side; the norms carry one step of one activation to all of a small map. Measured 0.009. */
const ONE_STEP = 0.03;

const CASES: [string, EncoderWidths, [number, number][]][] = [
  [
    'odd widths, three channels',
    ODD,
    [
      [16, 16],
      [17, 23],
      [33, 61],
      [64, 48],
      [100, 30],
    ],
  ],
  [
    'widths of small',
    SMALL,
    [
      [16, 16],
      [23, 17],
      [64, 48],
    ],
  ],
  [
    'widths of base',
    BASE,
    [
      [19, 16],
      [16, 18],
    ],
  ],
];

interface Case {
  tensors: Tensors;
  image: Float32Array;
  width: number;
  height: number;
  features: Float64Array;
  context: Float64Array;
}

/** With the reference on every cell of the grid: patches at every border and in every corner among them. */
function caseOf(tensors: Tensors, image: Float32Array, width: number, height: number): Case {
  const cells = allCells(width, height);
  const features = referenceFeatures(tensors, image, width, height);
  const context = atCells(referenceContext(tensors, image, width, height), cells, cells.length);
  return { tensors, image, width, height, features, context };
}

/** Differences of both outputs from the reference. */
async function differences(expected: Case, instructionSet = ''): Promise<number[]> {
  const { tensors, image, width, height } = expected;
  const got = await encodeNative(tensors, image, allCells(width, height), { width, height, instructionSet });
  return [difference(got.features, expected.features), difference(got.context, expected.context)];
}

/** Few activations lie beside a tie, so that most small images have none: at least half of them must agree to rounding, in either output. */
function checkSteps(found: number[][]): void {
  assert.ok(Math.max(...found.flat()) <= ONE_STEP, `${found}`);
  for (const output of [0, 1]) {
    const exact = found.filter((offs) => offs[output]! <= ROUNDING).length;
    assert.ok(
      exact >= found.length / 2,
      `only ${exact} of ${found.length} equal: ${found.map((offs) => offs[output])}`,
    );
  }
}

describe('encoders', function () {
  this.timeout(120_000);
  const { instructionSets } = loadAddon().CpuEncoder;

  for (const [name, widths, sizes] of CASES) {
    describe(name, () => {
      const floats: Case[] = [];
      const integers: Case[] = [];
      before(() => {
        for (const [width, height] of sizes) {
          const tensors = randomEncoder(widths, width);
          const image = randomImage(widths.inputChannels, width, height, 5);
          floats.push(caseOf(tensors, image, width, height));
          integers.push(caseOf(quantizedEncoder(tensors, image, width, height), image, width, height));
        }
      });

      for (const instructionSet of instructionSets) {
        it(`fp32 equals the reference, ${instructionSet}`, async () => {
          for (const expected of floats)
            for (const off of await differences(expected, instructionSet))
              assert.ok(off <= ROUNDING, `${expected.width}x${expected.height}: ${off}`);
        });

        it(`int8 equals integer arithmetic, ${instructionSet}`, async () => {
          const found: number[][] = [];
          for (const expected of integers) found.push(await differences(expected, instructionSet));
          checkSteps(found);
        });
      }
    });
  }

  it('layers without scales stay in fp32, wherever they stand', async () => {
    const [width, height] = [36, 28];
    const image = randomImage(3, width, height, 8);
    const mixtures = [
      ['layer1.0.conv1', 'layer2.1.conv1'],
      ['layer1.0.conv2', 'layer2.0.conv1', 'layer2.0.downsample.0'],
      ['layer1.1.conv1', 'layer2.0.conv2', 'inet.conv2', 'fnet.conv2'],
      ['layer1.1.conv2', 'layer2.1.conv2', 'fnet.layer1.0.conv1'],
    ];
    const found: number[][] = [];
    for (const floats of mixtures) {
      const tensors = quantizedEncoder(randomEncoder(ODD, 4), image, width, height, floats);
      assert.ok(floats.every((layer) => Object.keys(tensors).some((name) => name.endsWith(`${layer}.weight`))));
      found.push(await differences(caseOf(tensors, image, width, height)));
    }
    checkSteps(found);
  });

  it('a map of one value has features of its bias alone, not NaN', async () => {
    const tensors = randomEncoder(SMALL, 9);
    for (const name of Object.keys(tensors))
      if (name.includes('fnet') && name.endsWith('conv2.weight')) tensors[name]!.data.fill(0);
    const { features } = await encodeNative(tensors, new Float32Array(64 * 48), [0], { width: 64, height: 48 });
    const bias = tensors['patchify.fnet.conv2.bias']!.data;
    const gridCells = features.length / bias.length;
    for (const [i, value] of features.entries())
      assert.ok(Math.abs(value - bias[Math.floor(i / gridCells)]! / 4) < 1e-6, `${i}: ${value}`);
  });

  it('a large mean does not drown the structure', async () => {
    // Contrast of 1e-3 on a level of 1: the squares of a channel would lose it all if the mean were not taken off first.
    const [width, height] = [64, 48];
    const image = randomImage(1, width, height, 2).map((value) => 1 + 1e-3 * value);
    const tensors = randomEncoder(SMALL, 3);
    // The border sees zeros instead of the level, so the stem takes none of it.
    const stem = tensors['patchify.fnet.conv1.weight']!.data as Float32Array;
    for (let o = 0; o < 16; o++) {
      const taps = stem.subarray(o * 49, (o + 1) * 49);
      const mean = taps.reduce((a, b) => a + b, 0) / 49;
      taps.forEach((value, i) => {
        taps[i] = value - mean;
      });
    }
    const { features } = await encodeNative(tensors, image, [0], { width, height });
    assert.ok(difference(features, referenceFeatures(tensors, image, width, height)) < 1e-3);
  });
});

describe('repeatability of the encoders', () => {
  const [width, height] = [150, 94];
  const image = randomImage(1, width, height, 11);
  const cells = [0, 37, 38 * 23 + 37, 38 * 23, 400, 401, 402, 400];

  const floats = randomEncoder(SMALL, 12);
  // Scales of another image: here they need not be good.
  const corner = randomImage(1, 32, 32, 11);
  const integers = quantizedEncoder(floats, corner, 32, 32);

  for (const [kind, tensors] of [
    ['fp32', floats],
    ['int8', integers],
  ] as const) {
    it(`${kind}: the same bits for every number of threads, in every run`, async () => {
      const first = await encodeNative(tensors, image, cells, { width, height, threads: 1 });
      for (const threads of [1, 2, 3, 7]) {
        const again = await encodeNative(tensors, image, cells, { width, height, threads });
        assert.deepEqual(again, first, `${threads} threads`);
      }
      assert.deepEqual(first.context.subarray(4 * 128, 5 * 128), first.context.subarray(7 * 128));
    });
  }

  it('nothing of one image is left for the next', async () => {
    const other = randomImage(1, width, height, 99).map((value) => 3 * value);
    const encoder = await loadAddon().CpuEncoder.create({ width, height, threads: 2, instructionSet: '' }, integers);
    const features = new Float32Array(64 * 38 * 24);
    const context = new Float32Array(128 * cells.length);
    for (const input of [image, other, image]) await encoder.encode(input, Int32Array.from(cells), features, context);
    encoder.close();
    assert.deepEqual({ features, context }, await encodeNative(integers, image, cells, { width, height }));
  });
});
