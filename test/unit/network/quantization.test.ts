// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { QpvoError } from '../../../src/error.ts';
import { int8Weights, readInt8Weights, scalesOf } from '../../../src/network/quantization/int8Weights.ts';
import { ENCODER_LAYERS, UPDATE_LAYERS } from '../../../src/network/quantization/quantizedLayers.ts';
import { quantize, quantizeWeights, roundHalfEven } from '../../../src/network/quantization/quantizeWeights.ts';
import { readScales } from '../../../src/network/quantization/readScales.ts';
import { nearestHalf, toHalves } from '../../../src/network/weights/elements.ts';
import type { Int8Tensor, RuntimeTensors } from '../../../src/network/weights/RuntimeTensors.ts';
import { encodeSafetensors } from '../../../src/network/weights/safetensors.ts';
import type { Weights, WeightTensor } from '../../../src/network/weights/Weights.ts';
import { madeUpScales, scalesFile, scaleTensors } from '../../conformance/madeUpScales.ts';
import { randomWeights, TINY } from '../../conformance/randomNetwork.ts';

const refusal = (message: RegExp) => (error: unknown) =>
  error instanceof QpvoError && error.code === 'QPVO_MODEL' && message.test(error.message);

describe('quantizing numbers', () => {
  it('rounds to the nearest whole number, ties to the even one', () => {
    const values = [-2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 3.49, 3.51, -3.49, -3.51];
    assert.deepEqual(
      values.map((value) => roundHalfEven(value) + 0),
      [-2, -2, 0, 0, 2, 2, 3, 4, -3, -4],
    );
  });

  it('divides in single precision, and clamps', () => {
    assert.deepEqual(
      [0.3, -0.3, 100, -100, 0].map((value) => quantize(value, 0.1, -128, 127) + 0),
      [3, -3, 127, -128, 0],
    );
    // 0.15 / 0.1 is 1.4999999999999998 in doubles and 1.5 of their single-precision forms.
    assert.equal(quantize(Math.fround(0.15), Math.fround(0.1), 0, 255), 2);
  });

  it('weights have a scale per output and end at 127 on both sides', () => {
    const weight = { shape: [2, 3], data: Float32Array.of(1, -1, 0.25, 40, -30, 5) };
    assert.deepEqual(quantizeWeights(weight, Float32Array.of(0.5, 0.25)), {
      shape: [2, 3],
      data: Int8Array.of(2, -2, 0, 127, -120, 20),
    });
    assert.deepEqual(
      quantizeWeights({ shape: [1, 1], data: Float32Array.of(-9) }, Float32Array.of(0.01)).data[0],
      -127,
    );
  });

  it('half precision: ties to even, subnormal numbers, infinity', () => {
    const values = Float32Array.of(
      1,
      -2,
      65504,
      65520,
      2 ** -24,
      2 ** -25,
      2 ** -25 * 1.5,
      1 + 2 ** -11,
      1 + 3 * 2 ** -11,
      0,
    );
    assert.deepEqual(
      [...toHalves(values)].map((bits) => bits.toString(16)),
      ['3c00', 'c000', '7bff', '7c00', '1', '0', '1', '3c00', '3c02', '0'],
    );
    assert.equal(nearestHalf(0.1), 0.0999755859375);
  });

  it('39 layers may be quantized, and share the scales of shared inputs', () => {
    const layers = [...ENCODER_LAYERS, ...UPDATE_LAYERS];
    assert.equal(layers.length, 39);
    const sharing = layers.filter(({ name, group }) => name !== group).map(({ name }) => name);
    assert.deepEqual(sharing, [
      'patchify.fnet.layer2.0.downsample.0',
      'patchify.inet.layer2.0.downsample.0',
      'update.agg_kk.g',
      'update.agg_ij.g',
      'update.gru.1.res.0',
      'update.gru.3.res.0',
    ]);
  });
});

describe('scales files', () => {
  const weights = randomWeights(TINY, 1);
  const scales = madeUpScales(weights, 1);
  const read = (tensors: Weights, scheme?: string) => readScales(scalesFile(tensors, scheme), 'scales', weights);

  it('are read whole, or of some layers', () => {
    assert.deepEqual(read(scaleTensors(scales)), scales);
    const some = madeUpScales(weights, 1, ['update.corr.0', 'patchify.fnet.layer2.0.conv1']);
    assert.deepEqual(read(scaleTensors(some)), some);
    assert.equal(some.size, 36);
  });

  const vector = (...values: number[]): WeightTensor => ({ shape: [values.length], data: Float32Array.from(values) });
  const faults: [string, (tensors: Weights) => void, RegExp][] = [
    ['nothing', (t) => t.clear(), /expected scales of at least one layer, but received none/],
    [
      'no weight scale',
      (t) => t.delete('update.c1.0.weight_scale'),
      /expected update\.c1\.0\.weight_scale, but received no/,
    ],
    [
      'no input scale',
      (t) => t.delete('update.c1.0.input_scale'),
      /expected update\.c1\.0\.input_scale, but received no/,
    ],
    ['an unknown layer', (t) => t.set('update.c3.0.input_scale', vector(1)), /that the weights have.*update\.c3\.0/],
    [
      'a layer that is never quantized',
      (t) => t.set('update.d.1.input_scale', vector(1)),
      /can be quantized.*update\.d\.1/,
    ],
    [
      'another name',
      (t) => t.set('update.c1.0.scale', vector(1)),
      /\.input_scale or \.weight_scale.*update\.c1\.0\.scale/,
    ],
    ['NaN', (t) => t.set('update.c1.0.input_scale', vector(Number.NaN)), /c1\.0\.input_scale with finite.*NaN at 0/],
    ['infinity', (t) => t.set('update.c1.0.input_scale', vector(1 / 0)), /with finite numbers above 0.*Infinity/],
    ['zero', (t) => t.get('update.c1.0.weight_scale')!.data.set([0], 3), /weight_scale with finite.*0 at 3/],
    ['a negative scale', (t) => t.get('update.c1.0.weight_scale')!.data.set([-0.5], 2), /above 0.*-0\.5 at 2/],
    [
      'too few weight scales',
      (t) => t.set('update.c1.0.weight_scale', vector(1, 1)),
      /with 16 numbers, but received 2/,
    ],
    ['two input scales', (t) => t.set('update.c1.0.input_scale', vector(1, 1)), /with 1 number, but received 2/],
    [
      'different scales of a shared input',
      (t) => t.set('update.gru.1.res.0.input_scale', vector(9)),
      /one input_scale for update\.gru\.1\.\S+ and update\.gru\.1\.\S+, which have the same input, but received two different/,
    ],
    [
      'a member of a group without scales',
      (t) => {
        for (const kind of ['weight', 'input']) t.delete(`patchify.inet.layer2.0.downsample.0.${kind}_scale`);
      },
      /scales of patchify\.inet\.layer2\.0\.downsample\.0 too, which has the same input as patchify\.inet\.layer2\.0\.conv1/,
    ],
  ];
  for (const [name, spoil, message] of faults) {
    it(`with ${name} are refused`, () => {
      const tensors = scaleTensors(madeUpScales(weights, 1));
      spoil(tensors);
      assert.throws(() => read(tensors), refusal(message));
    });
  }

  it('of another scheme are refused', () => {
    assert.throws(
      () => read(scaleTensors(scales), 'w4'),
      refusal(/scheme: w_s8_channel_a_u8s8_tensor, but received w4/),
    );
    const plain = encodeSafetensors(scaleTensors(scales));
    assert.throws(() => readScales(plain, 'scales', weights), refusal(/but received none/));
  });

  it('that are no safetensors are refused', () => {
    assert.throws(() => readScales(Buffer.from('scales of a fish'), 'scales', weights), refusal(/safetensors/));
  });
});

describe('int8 weights', () => {
  const weights = randomWeights(TINY, 2);
  const scales = madeUpScales(weights, 2, ['update.corr.0']);
  const file = (tensors: RuntimeTensors) => encodeSafetensors(tensors);

  it('hold quantized layers with their scales and all other tensors as they were', () => {
    const tensors = readInt8Weights(file(int8Weights(weights, scales)));
    assert.deepEqual(tensors, int8Weights(weights, scales));
    assert.deepEqual(scalesOf(tensors), scales);
    assert.equal(tensors.size, weights.size + 2 * scales.size);
    assert.deepEqual(tensors.get('update.corr.0.weight'), weights.get('update.corr.0.weight'));
    const { shape, data } = tensors.get('update.c1.0.weight') as Int8Tensor;
    assert.ok(data instanceof Int8Array);
    assert.deepEqual(shape, [16, 16]);
    assert.equal(
      data.reduce((most, value) => Math.max(most, Math.abs(value)), 0),
      127,
    );
  });

  const faults: [string, (tensors: Map<string, WeightTensor | Int8Tensor>) => void, RegExp][] = [
    [
      'no input scale',
      (t) => t.delete('update.c1.0.input_scale'),
      /update\.c1\.0\.input_scale in fp32, but received none/,
    ],
    ['no weight scale', (t) => t.delete('update.c1.0.weight_scale'), /update\.c1\.0\.weight_scale in fp32/],
    ['no bias', (t) => t.delete('update.c1.0.bias'), /update\.c1\.0\.bias in fp32/],
    ['NaN', (t) => t.get('update.c1.0.weight_scale')!.data.set([Number.NaN], 1), /finite numbers above 0.*NaN at 1/],
    ['a scale of zero', (t) => t.get('update.c1.0.input_scale')!.data.set([0], 0), /above 0.*0 at 0/],
    [
      'a short scale',
      (t) => t.set('update.c1.0.weight_scale', { shape: [1], data: Float32Array.of(1) }),
      /of length 16/,
    ],
    [
      'int8 where nothing is quantized',
      (t) => t.set('update.d.1.weight', { shape: [2, 16], data: new Int8Array(32) }),
      /update\.d\.1/,
    ],
  ];
  for (const [name, spoil, message] of faults) {
    it(`with ${name} are refused`, () => {
      const tensors = new Map([...readInt8Weights(file(int8Weights(weights, scales)))]);
      spoil(tensors);
      assert.throws(() => readInt8Weights(file(tensors)), refusal(message));
    });
  }

  it('without any int8 layer are refused', () => {
    assert.throws(() => readInt8Weights(encodeSafetensors(weights)), refusal(/at least one layer, but received none/));
  });
});
