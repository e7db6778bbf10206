// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import type { Addon, CudaEngines, CudaPipeline, CudaWeights } from '../../src/native/addon.ts';
import { loadAddon } from '../../src/native/loadAddon.ts';
import { readManifest, readModelFile } from '../../src/network/manifest.ts';
import { encoderTensors, updateTensors } from '../../src/network/native/partTensors.ts';
import { readSafetensors } from '../../src/network/weights/safetensors.ts';
import { SOLVER } from '../../src/odometry/solver.ts';
import { temporaryFolder } from '../conformance/temporaryFolder.ts';
import { BUILD_TIMEOUT_MS, emulatedBuild } from '../fixtures/emulatedBuild.ts';
import { MODEL_DIR } from '../fixtures/texturedScene.ts';
import { identityMap, smallOptions } from './makeOps.ts';
import { compileDoubleModule } from './tensorrt/doubleModule.ts';

/** What the pipeline object refuses, so that no argument of JavaScript reaches memory that is not there. */
describe('CUDA pipeline: calls', function () {
  this.timeout(BUILD_TIMEOUT_MS);
  let addon: Addon;
  let pipeline: CudaPipeline;
  const manifest = readManifest(MODEL_DIR);
  const { sizes } = manifest;
  const options = smallOptions({
    channels: sizes.inputChannels as 1 | 3,
    featureDim: sizes.featureDim,
    hiddenDim: sizes.hiddenDim,
    patches: 8,
    maxPairs: 16,
  });
  const precision = { encoder: 'fp32', update: 'fp32' } as const;
  const pixels = new Uint8Array(options.recordedWidth * options.recordedHeight * options.channels);

  const temporary = temporaryFolder();

  const create = (weights: CudaWeights, engines?: CudaEngines) =>
    addon.CudaPipeline!.create({ ...options, device: 0, precision }, identityMap(options), weights, engines);

  before(async () => {
    addon = loadAddon((await emulatedBuild()).addon);
    const weights = readSafetensors(Buffer.from(readModelFile(MODEL_DIR, manifest, 'weights')), 'weights');
    pipeline = await create({
      encoder: encoderTensors(weights, sizes, 'fp32'),
      update: updateTensors(weights, sizes, 'fp32'),
    });
  });
  after(() => pipeline.close());

  const internal = (message: RegExp) => ({ code: 'QPVO_INTERNAL', message });
  const none = { pairs: 0, health: [], flows: [] };

  it('slots, pairs and areas out of range', () => {
    const { buffers } = pipeline;
    assert.throws(() => pipeline.insertFrame(options.ringSlots), internal(/slot: expected an integer from 0 to 7/));
    assert.throws(() => pipeline.setPose(-1), internal(/slot/));
    assert.throws(() => pipeline.setInverseDepths(options.ringSlots), internal(/slot/));
    assert.throws(() => pipeline.correlate(17), internal(/pair count: expected an integer from 0 to 16/));
    buffers.pairSource[0] = options.ringSlots;
    assert.throws(() => pipeline.correlate(1), internal(/pair 0: expected ring slots, but received 8 -> 0/));
    buffers.pairSource[0] = 0;
    assert.throws(() => pipeline.moveHidden(0, 16), internal(/pair: expected an integer from 0 to 15/));
    assert.throws(() => pipeline.clearHidden(10, 7), internal(/pairs: expected an integer from 0 to 6/));
    const area = { left: 0, top: 1, right: 5, bottom: 5 };
    assert.throws(
      () => pipeline.samplePatches(0, 0, 0, 'random', 1, area),
      internal(/left: expected an integer from 1/),
    );
  });

  it('images that are too short', () => {
    const { recordedWidth: width, recordedHeight: height, channels } = options;
    assert.throws(
      () => pipeline.prepareImage(pixels.subarray(1), width, height, channels, width * channels),
      internal(/image data: expected \d+ bytes/),
    );
  });

  it('an update or an adjustment of other pairs than those that were correlated', () => {
    pipeline.correlate(0);
    const indices = new Int32Array(4);
    const pairs = { count: 1, source: indices, previous: indices, next: indices };
    assert.throws(() => pipeline.update(pairs), internal(/that of the last correlate.*from 0 to 0, but received 1/));
    const adjust = { ...SOLVER, freePoses: 0, iterations: 1 };
    pipeline.buffers.poseVariable.fill(-1);
    assert.throws(() => pipeline.bundleAdjust(1, adjust), internal(/that of the last correlate/));
    pipeline.buffers.poseVariable[3] = 5;
    assert.throws(() => pipeline.bundleAdjust(0, adjust), internal(/pose variable of slot 3 out of range/));
    pipeline.buffers.poseVariable.fill(-1);
  });

  it('questions that cannot be answered', () => {
    assert.throws(() => pipeline.readBack({ ...none, pairs: 1 }), internal(/pairs: expected an integer from 0 to 0/));
    const flow = { source: 0, target: options.ringSlots, beta: 1 };
    assert.throws(() => pipeline.readBack({ ...none, flows: [flow] }), internal(/target: expected an integer/));
    const health = { flags: new Uint8Array(0), inlierThreshold: 1, minConfidence: 0, margin: 0 };
    assert.throws(
      () => pipeline.readBack({ ...none, health: [{ ...health, pairCount: 2 }] }),
      internal(/that of the last correlate/),
    );
  });

  it('a question whose readBack failed is not one of the next frame', async () => {
    const { recordedWidth: width, recordedHeight: height, channels } = options;
    const flow = { source: 0, target: 1, beta: 1 };
    const flows = [flow, { ...flow, target: options.ringSlots }];
    assert.throws(() => pipeline.readBack({ ...none, flows }), internal(/target: expected an integer/));
    pipeline.prepareImage(pixels, width, height, channels, width * channels);
    const answers = await pipeline.readBack({ ...none, flows: [flow] });
    assert.equal(answers.flows.length, 1);
  });

  it('a second call while the first waits, and any after close; the buffers end with it', async () => {
    const waiting = pipeline.readBack(none);
    assert.throws(() => pipeline.encode(), { code: 'QPVO_BUSY' });
    assert.throws(() => pipeline.close(), { code: 'QPVO_BUSY' });
    const answers = await waiting;
    assert.deepEqual([answers.health, answers.flows], [[], []]);
    const { poses } = pipeline.buffers;
    assert.equal(poses.length, options.ringSlots * 7);
    const closing = pipeline.close();
    assert.equal(poses.length, 0);
    assert.throws(() => pipeline.encode(), { code: 'QPVO_CLOSED' });
    assert.ok(closing instanceof Promise);
    assert.equal(pipeline.close(), closing, 'the memory is back when it settles');
    await closing;
    await pipeline.close();
    assert.throws(() => pipeline.readBack(none), { code: 'QPVO_CLOSED' });
  });

  it('networks without weights and engines, or with weights that do not fit', async () => {
    assert.throws(() => create({}), internal(/weights of both networks, or engines/));
    await assert.rejects(create({ encoder: {}, update: {} }), { code: 'QPVO_MODEL' });
  });

  it('engines reach their module, with the core that they were built for', async () => {
    const module = compileDoubleModule(temporary, 'engines.so');
    const engines = { module, features: new Uint8Array(3), context: new Uint8Array(5), update: new Uint8Array(7) };
    for (const dlaCore of [-1, 1]) {
      await assert.rejects(create({}, { ...engines, dlaCore }), {
        code: 'QPVO_ENGINE',
        message: `not this plan: 3 bytes for core ${dlaCore} and 5 bytes for core ${dlaCore}`,
      });
    }
    assert.throws(() => create({}, { ...engines, dlaCore: 256 }), internal(/dlaCore: expected an integer from -1/));
  });
});
