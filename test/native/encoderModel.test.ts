// SPDX-License-Identifier: MIT
// The native encoders with the trained model `small`: against onnxruntime, and int8 against fp32.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { FrameEncoder } from '../../src/network/FrameEncoder.ts';
import { findModelFolder } from '../../src/network/modelFolder.ts';
import type { EncoderBuffers, NetworkShape } from '../../src/network/Network.ts';
import { openNativeEncoder } from '../../src/network/native/NativeEncoder.ts';
import { inferSizes } from '../../src/network/weights/networkSizes.ts';
import type { RuntimeTensors } from '../../src/network/weights/RuntimeTensors.ts';
import { readWeights } from '../../src/network/weights/readWeights.ts';
import { difference, quantizedEncoder, randomImage } from './encoderNetworks.ts';
import type { Tensors } from './encoderReference.ts';

const FOLDER = findModelFolder('small');
const weights = readWeights(join(FOLDER, 'weights.safetensors'));
const sizes = inferSizes(weights);

function shapeOf(width: number, height: number): NetworkShape {
  const [w, h] = [width / 4, height / 4];
  const cells = Int32Array.of(0, w - 1, w * h - 1, w * (h - 1), w + 1, 3 * w + 5, w * (h - 2) - 2, 5 * w);
  const buffers: EncoderBuffers = {
    image: randomImage(sizes.inputChannels, width, height, 21),
    cells,
    features: new Float32Array(sizes.featureDim * w * h),
    context: new Float32Array(sizes.hiddenDim * cells.length),
  };
  return { width, height, patches: cells.length, maxPairs: 1, maxSources: 1, ringSlots: 1, buffers };
}

/** Features and context in onnxruntime. */
async function expected(shape: NetworkShape) {
  const model = (name: string) => readFileSync(join(FOLDER, name));
  const buffers = {
    ...shape.buffers,
    features: shape.buffers.features.slice(),
    context: shape.buffers.context.slice(),
  };
  const features = await FrameEncoder.open(model('features.onnx'), 'features', 1);
  const context = await FrameEncoder.open(model('context.onnx'), 'context', 1);
  features.bindFeatures({ ...shape, buffers }, sizes);
  context.bindContext({ ...shape, buffers }, sizes);
  for (const encoder of [features, context]) {
    await encoder.run();
    await encoder.close();
  }
  return buffers;
}

async function native(tensors: RuntimeTensors, precision: 'fp32' | 'int8', shape: NetworkShape) {
  const runtime = await openNativeEncoder(tensors, sizes, { threads: 2, precision });
  await runtime.bind(shape);
  await runtime.encode();
  await runtime.close();
  return shape.buffers;
}

const asMap = (tensors: Tensors): RuntimeTensors =>
  new Map(
    Object.entries(tensors).map(([name, { shape, data }]) => [name, { shape: [...shape], data }]),
  ) as RuntimeTensors;

describe('native encoders of the model small', function () {
  this.timeout(60_000);

  for (const [width, height] of [
    [96, 64],
    [368, 240],
  ] as const) {
    it(`fp32 equals onnxruntime at ${width}x${height}`, async () => {
      const shape = shapeOf(width, height);
      const { features, context } = await expected(shape);
      const got = await native(weights, 'fp32', shape);
      // Single precision through 11 layers.
      assert.ok(difference(got.features, features) < 1e-4);
      assert.ok(difference(got.context, context) < 1e-4);
    });
  }

  it('int8 by min-max of the image stays near fp32', async () => {
    const shape = shapeOf(112, 80);
    const { features, context } = await expected(shape);
    const tensors = quantizedEncoder(Object.fromEntries(weights), shape.buffers.image, 112, 80);
    const got = await native(asMap(tensors), 'int8', shape);
    const distance = (a: Float32Array, b: Float32Array) =>
      Math.sqrt(
        a.reduce((sum, value, i) => sum + (value - b[i]!) ** 2, 0) / b.reduce((sum, value) => sum + value ** 2, 0),
      );
    const [ofFeatures, ofContext] = [distance(got.features, features), distance(got.context, context)];
    // Root mean square relative to the signal. Measured 0.018 and 0.007; what is unrelated would differ by more than 1.
    assert.ok(ofFeatures < 0.04 && ofContext < 0.02, `${ofFeatures} ${ofContext}`);
    assert.ok(ofFeatures > 1e-4 && ofContext > 1e-4, `${ofFeatures} ${ofContext}: not quantized?`);
  });

  it('weights of the other precision, or of another model, are refused', async () => {
    await assert.rejects(openNativeEncoder(weights, sizes, { threads: 1, precision: 'int8' }), {
      code: 'QPVO_MODEL',
      message: /not for encoders in int8/,
    });
    const tensors = asMap(quantizedEncoder(Object.fromEntries(weights), randomImage(1, 32, 32, 1), 32, 32));
    await assert.rejects(openNativeEncoder(tensors, sizes, { threads: 1, precision: 'fp32' }), {
      code: 'QPVO_MODEL',
      message: /not for encoders in fp32/,
    });
    await assert.rejects(openNativeEncoder(weights, { ...sizes, featureDim: 32 }, { threads: 1, precision: 'fp32' }), {
      code: 'QPVO_MODEL',
      message: /patchify.fnet.conv2.weight does not fit the sizes/,
    });
    const spoiled = new Map(tensors).set('patchify.fnet.layer1.0.conv1.input_scale', {
      shape: [1],
      data: Float32Array.of(-1),
    });
    await assert.rejects(openNativeEncoder(spoiled, sizes, { threads: 1, precision: 'int8' }), {
      code: 'QPVO_MODEL',
      message: /scales above zero/,
    });
  });

  it('takes another image size, and wants one', async () => {
    const runtime = await openNativeEncoder(weights, sizes, { threads: 2, precision: 'fp32' });
    await assert.rejects(runtime.encode(), /the encoders have no image size/);
    for (const [width, height] of [
      [64, 48],
      [48, 64],
    ] as const) {
      const shape = shapeOf(width, height);
      await runtime.bind(shape);
      await runtime.encode();
      assert.ok(difference(shape.buffers.features, (await expected(shape)).features) < 1e-4);
    }
    await runtime.close();
    await assert.rejects(runtime.encode(), { code: 'QPVO_INTERNAL' });
  });
});
