// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import type { CpuEncoder, CpuEncoderOptions, CpuTensor } from '../../src/native/addon.ts';
import { loadAddon } from '../../src/native/loadAddon.ts';
import { ODD, quantizedEncoder, randomEncoder, randomImage } from './encoderNetworks.ts';
import type { Tensors } from './encoderReference.ts';

const [WIDTH, HEIGHT] = [34, 22];
const GRID = 9 * 6;
const image = randomImage(3, WIDTH, HEIGHT, 1);
const tensors = quantizedEncoder(randomEncoder(ODD, 1), image, WIDTH, HEIGHT);

const create = (changed: Tensors = {}, options: Partial<CpuEncoderOptions> = {}) =>
  loadAddon().CpuEncoder.create(
    { width: WIDTH, height: HEIGHT, threads: 2, instructionSet: '', ...options },
    { ...tensors, ...changed },
  );

const buffers = (patches = 2) => ({
  cells: new Int32Array(patches),
  features: new Float32Array(19 * GRID),
  context: new Float32Array(33 * patches),
});

const vector = (...values: number[]): CpuTensor => ({ shape: [values.length], data: Float32Array.from(values) });

describe('calls of the encoders', () => {
  const encode = (encoder: CpuEncoder) => {
    const { cells, features, context } = buffers();
    return encoder.encode(image, cells, features, context);
  };

  it('one at a time; after close none; closing twice is no error', async () => {
    const encoder = await create();
    const first = encode(encoder);
    assert.throws(() => encode(encoder), { code: 'QPVO_BUSY' });
    assert.throws(() => encoder.close(), { code: 'QPVO_BUSY' });
    await first;
    await encode(encoder);
    encoder.close();
    encoder.close();
    assert.throws(() => encode(encoder), { code: 'QPVO_CLOSED' });
  });

  it('arrays of another length or type are refused, by name', async () => {
    const encoder = await create();
    const { cells, features, context } = buffers();
    const call =
      (...args: unknown[]) =>
      () =>
        (encoder.encode as (...a: unknown[]) => Promise<void>).apply(encoder, args);
    const refused: [() => unknown, RegExp][] = [
      [
        call(image.subarray(1), cells, features, context),
        /image: expected a Float32Array of 2244 elements, but received 2243 elements/,
      ],
      [
        call(new Float64Array(2244), cells, features, context),
        /image: expected a Float32Array of 2244 elements, but received another typed array/,
      ],
      [call(image, [0, 1], features, context), /cells: expected an Int32Array/],
      [call(image, cells, features.subarray(1), context), /features: expected a Float32Array of 1026 elements/],
      [
        call(image, cells, features, new Float32Array(67)),
        /context: expected a Float32Array of 66 elements, but received 67 elements/,
      ],
      [
        call(image, cells, features, undefined),
        /context: expected a Float32Array of 66 elements, but received undefined/,
      ],
      [call(image, cells, features), /encode: expected \(image, cells, features, context\)/],
    ];
    for (const [run, message] of refused) assert.throws(run, { code: 'QPVO_INTERNAL', message });
  });

  it('cells outside of the grid are refused', async () => {
    const encoder = await create();
    const { cells, features, context } = buffers();
    for (const cell of [-1, GRID, 2 ** 30]) {
      cells[1] = cell;
      assert.throws(() => encoder.encode(image, cells, features, context), {
        code: 'QPVO_INTERNAL',
        message: `cell 1: expected 0 to ${GRID - 1}, but received ${cell}.`,
      });
    }
  });

  it('no patches are no error', async () => {
    const encoder = await create();
    const { cells, features, context } = buffers(0);
    await encoder.encode(image, cells, features, context);
    assert.ok(features.every(Number.isFinite) && features.some((value) => value !== 0));
  });

  it('options that cannot be are refused by name', async () => {
    const refused: [Partial<CpuEncoderOptions>, RegExp][] = [
      [{ width: 15 }, /width: expected an integer from 16/],
      [{ height: 1.5 }, /height: expected an integer/],
      [{ threads: 0 }, /threads: expected an integer from 1/],
      [{ instructionSet: undefined as unknown as string }, /instructionSet: expected a name/],
    ];
    for (const [options, message] of refused)
      assert.throws(() => create({}, options), { code: 'QPVO_INTERNAL', message });
    await assert.rejects(create({}, { instructionSet: 'sse9' }), {
      code: 'QPVO_INTERNAL',
      message: /instruction set: expected one that this processor can run \(.*baseline\), but received sse9/,
    });
  });
});

describe('tensors of the encoders', () => {
  const LAYER = 'patchify.inet.layer1.1.conv2';

  const refused: [string, Tensors, RegExp][] = [
    [
      'scale of NaN',
      { [`${LAYER}.input_scale`]: vector(Number.NaN) },
      /input_scale: expected finite values, but received nan/,
    ],
    [
      'negative scale',
      { [`${LAYER}.input_scale`]: vector(-0.5) },
      /input_scale: expected scales above zero, but received -0.5/,
    ],
    [
      'scale of zero',
      { [`${LAYER}.weight_scale`]: vector(1, 2, 0, 1, 1) },
      /weight_scale: expected scales above zero, but received 0.0/,
    ],
    [
      'infinite scale',
      { [`${LAYER}.weight_scale`]: vector(1, 2, Number.POSITIVE_INFINITY, 1, 1) },
      /weight_scale: expected finite values/,
    ],
    [
      'too few scales',
      { [`${LAYER}.weight_scale`]: vector(1, 2, 3) },
      /weight_scale: expected fp32 of shape \[5\], but received shape \[3\]/,
    ],
    [
      'scales in int8',
      { [`${LAYER}.input_scale`]: { shape: [1], data: Int8Array.of(1) } },
      /input_scale: expected fp32 of shape \[1\], but received int8/,
    ],
    [
      'weights of -128',
      { [`${LAYER}.weight`]: { shape: [5, 7, 3, 3], data: new Int8Array(315).fill(-128) } },
      /expected int8 from -127 to 127, but received -128/,
    ],
    [
      'weights of another shape',
      { [`${LAYER}.weight`]: { shape: [5, 6, 3, 3], data: new Int8Array(270) } },
      /weight: expected shape \[5,7,3,3\], but received \[5,6,3,3\]/,
    ],
    ['bias of NaN', { [`${LAYER}.bias`]: vector(1, 2, 3, 4, Number.NaN) }, /bias: expected finite values/],
    [
      'another scale for the same input',
      { 'patchify.fnet.layer2.0.downsample.0.input_scale': vector(0.5) },
      /patchify.fnet.layer2.0.downsample.0.input_scale: expected that of conv1/,
    ],
    [
      'one of two layers of an input in fp32',
      { 'patchify.fnet.layer2.0.conv1.weight': { shape: [9, 5, 3, 3], data: new Float32Array(405) } },
      /expected that of conv1/,
    ],
    [
      'a quantized stem',
      { 'patchify.fnet.conv1.weight': { shape: [5, 3, 7, 7], data: new Int8Array(735) } },
      /expected fp32: the image is not quantized/,
    ],
    [
      'encoders of different images',
      { 'patchify.inet.conv1.weight': { shape: [5, 1, 7, 7], data: new Float32Array(245) } },
      /expected 3 input channels/,
    ],
  ];
  for (const [what, changed, message] of refused) {
    it(`refused: ${what}`, () => assert.rejects(create(changed), { code: 'QPVO_MODEL', message }));
  }

  for (const part of ['weight', 'bias', 'weight_scale', 'input_scale']) {
    it(`refused: no ${part}`, async () => {
      const { [`${LAYER}.${part}`]: _, ...rest } = tensors;
      const made = loadAddon().CpuEncoder.create(
        { width: WIDTH, height: HEIGHT, threads: 1, instructionSet: '' },
        rest,
      );
      await assert.rejects(made, {
        code: 'QPVO_MODEL',
        message: new RegExp(`tensor ${LAYER}.${part}: expected a tensor of this name`),
      });
    });
  }

  it('may be changed or dropped after construction', async () => {
    const own = Object.fromEntries(
      Object.entries(tensors).map(([name, { shape, data }]) => [name, { shape, data: data.slice() }]),
    );
    const { cells, features, context } = buffers();
    const other = buffers();
    const [kept, spoiled] = [await create(), await create(own)];
    for (const { data } of Object.values(own)) data.fill(0);
    await kept.encode(image, cells, features, context);
    await spoiled.encode(image, other.cells, other.features, other.context);
    assert.deepEqual(other, { cells, features, context });
  });
});
