// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { QpvoError } from '../../../src/error.ts';
import { importModel } from '../../../src/network/importModel.ts';
import { type Part, readManifest, readModelFile } from '../../../src/network/manifest.ts';
import { PARTS } from '../../../src/network/modelParts.ts';
import { readInt8Weights, scalesOf } from '../../../src/network/quantization/int8Weights.ts';
import { UPDATE_LAYERS } from '../../../src/network/quantization/quantizedLayers.ts';
import { encoderTensors, updateTensors } from '../../../src/network/weights/expectedTensors.ts';
import type { NetworkSizes } from '../../../src/network/weights/networkSizes.ts';
import { readWeights } from '../../../src/network/weights/readWeights.ts';
import { encodeSafetensors } from '../../../src/network/weights/safetensors.ts';
import { elementCount, type Weights, type WeightTensor } from '../../../src/network/weights/Weights.ts';
import { madeUpScales, scalesFile, scaleTensors } from '../../conformance/madeUpScales.ts';
import { narrowed } from '../../conformance/narrowed.ts';
import { randomWeights, TINY_MODEL } from '../../conformance/randomNetwork.ts';
import { temporaryFolder } from '../../conformance/temporaryFolder.ts';

const BASE: NetworkSizes = {
  inputChannels: 3,
  width: 32,
  featureDim: 128,
  hiddenDim: 384,
  patchSize: 3,
  radius: 3,
  levels: [1, 4],
};

const PROVENANCE = {
  commit: '0123abc',
  config: 'tiny.yaml',
  data: '8 rendered clips',
  steps: 150,
  clips: 300,
  hours: 0.01,
  machine: '2 cores',
};

describe('importing a model', () => {
  const folder = temporaryFolder();
  const save = (name: string, weights: Weights): string => {
    const path = join(folder, `${name}.safetensors`);
    writeFileSync(path, encodeSafetensors(weights));
    return path;
  };

  it('the tensors of the published network are 94, with 3,384,324 parameters', () => {
    const tensors = [...encoderTensors(BASE), ...updateTensors(BASE)];
    assert.equal(tensors.length, 94);
    assert.equal(
      tensors.reduce((sum, [, shape]) => sum + elementCount(shape), 0),
      3_384_324,
    );
  });

  it('writes the manifest it returns, whole files, and the same weights', async () => {
    const weights = randomWeights(TINY_MODEL, 1);
    const out = join(folder, 'model');
    const manifest = await importModel(save('whole', weights), { name: 'whole', outDir: out });
    assert.deepEqual(readManifest(out), manifest);
    assert.deepEqual(readdirSync(out).sort(), [
      'context.onnx',
      'features.onnx',
      'manifest.json',
      'update.onnx',
      'weights.safetensors',
    ]);
    for (const part of ['features', 'context', 'update', 'weights'] as const)
      assert.ok(readModelFile(out, manifest, part).length > 0);
    assert.deepEqual(readWeights(join(out, 'weights.safetensors')), weights);
    assert.deepEqual(manifest.sizes, TINY_MODEL);
  });

  it('gives the same bytes for the same weights', async () => {
    const path = save('again', randomWeights(TINY_MODEL, 2));
    const first = await importModel(path, { name: 'again', outDir: join(folder, 'first') });
    const second = await importModel(path, { name: 'again', outDir: join(folder, 'second') });
    assert.deepEqual(first, second);
  });

  it('the model small is what its weights and scales give', async () => {
    const committed = readManifest('models/small');
    const read = (part: Part) => readModelFile('models/small', committed, part);
    const goldenParts = (['goldenInt8', 'goldenTensorrt'] as const).filter(
      (part) => committed.files[part] !== undefined,
    );
    const isQuantized = committed.files.weightsInt8 !== undefined;
    const scales = () => scalesFile(scaleTensors(scalesOf(readInt8Weights(read('weightsInt8')))));
    const manifest = await importModel('models/small/weights.safetensors', {
      ...committed,
      golden: read('golden'),
      ...(isQuantized ? { scales: { path: 'scales', content: scales() } } : {}),
      ...Object.fromEntries(goldenParts.map((part) => [part, read(part)])),
      outDir: join(folder, 'small'),
    });
    assert.deepEqual(manifest, committed);
  });

  it('with scales writes the int8 forms beside those in fp32, in one call', async () => {
    const weights = randomWeights(TINY_MODEL, 1);
    const scales = madeUpScales(weights, 1, ['update.corr.0']);
    const goldenInt8 = encodeSafetensors(new Map([['x', { shape: [1], data: Float32Array.of(2) }]]));
    const out = join(folder, 'int8');
    const manifest = await importModel(save('int8', weights), {
      name: 'int8',
      outDir: out,
      scales: { path: 'scales', content: scalesFile(scaleTensors(scales)) },
      goldenInt8,
      goldenTensorrt: goldenInt8,
    });
    assert.deepEqual(readManifest(out), manifest);
    assert.deepEqual(Object.keys(manifest.files).sort(), PARTS.filter((part) => part !== 'golden').sort());
    for (const part of Object.keys(manifest.files) as Part[]) assert.ok(readModelFile(out, manifest, part).length > 0);
    assert.deepEqual(scalesOf(readInt8Weights(readModelFile(out, manifest, 'weightsInt8'))), scales);
    assert.equal(manifest.quantization?.inputScales['update.c1.0'], scales.get('update.c1.0')!.input);
    assert.equal(Object.keys(manifest.quantization!.inputScales).length, 38);
    const plain = await importModel(save('plain', weights), { name: 'int8', outDir: join(folder, 'plain') });
    for (const part of ['features', 'context', 'update', 'weights'] as const)
      assert.deepEqual(manifest.files[part], plain.files[part]);
  });

  it('scales of the encoders only give no int8 update operator', async () => {
    const weights = randomWeights(TINY_MODEL, 1);
    const scales = madeUpScales(
      weights,
      1,
      UPDATE_LAYERS.map(({ group }) => group),
    );
    const manifest = await importModel(save('encoders', weights), {
      name: 'encoders',
      outDir: join(folder, 'encoders'),
      scales: { path: 'scales', content: scalesFile(scaleTensors(scales)) },
    });
    assert.ok(manifest.files.featuresInt8 !== undefined && manifest.files.contextTensorrt !== undefined);
    assert.ok(manifest.files.updateInt8 === undefined && manifest.files.updateTensorrt === undefined);
  });

  it('a pruned network, with scales too', async () => {
    const weights = narrowed(randomWeights(TINY_MODEL, 1));
    const out = join(folder, 'pruned');
    const manifest = await importModel(save('pruned', weights), {
      name: 'pruned',
      outDir: out,
      scales: { path: 'scales', content: scalesFile(scaleTensors(madeUpScales(weights, 1))) },
    });
    assert.deepEqual(manifest.sizes, TINY_MODEL);
    assert.ok(
      manifest.parameters < [...randomWeights(TINY_MODEL, 1).values()].reduce((sum, { data }) => sum + data.length, 0),
    );
    assert.deepEqual(readWeights(join(out, 'weights.safetensors')), weights);
  });

  for (const part of ['goldenInt8', 'goldenTensorrt'])
    it(`${part} of a quantized network without scales`, async () => {
      await assert.rejects(
        importModel(save('unscaled', randomWeights(TINY_MODEL, 1)), {
          name: 'unscaled',
          outDir: join(folder, 'unscaled'),
          [part]: Buffer.alloc(8),
        }),
        (error) =>
          error instanceof QpvoError && error.code === 'QPVO_USAGE' && /expected the scales/.test(error.message),
      );
    });

  it('the widths of the published network', async () => {
    const manifest = await importModel(save('base', randomWeights(BASE, 3)), {
      name: 'base',
      outDir: join(folder, 'base'),
    });
    assert.deepEqual(manifest.sizes, BASE);
    assert.equal(manifest.normalisation.channels, 'bgr');
    assert.equal(manifest.parameters, 3_384_324);
  });

  it('the published checkpoint by its form: names with module., vestigial tensors dropped', async () => {
    const named = [...randomWeights(BASE, 6)].map(([name, tensor]) => [`module.${name}`, tensor] as const);
    const unused = { shape: [384], data: new Float32Array(384) };
    const vestigial = ['0.weight', '0.bias', '2.weight', '2.bias'].map(
      (name) => [`module.update.lmbda.${name}`, unused] as const,
    );
    const out = join(folder, 'published');
    const manifest = await importModel(save('published', new Map<string, WeightTensor>([...named, ...vestigial])), {
      name: 'published',
      outDir: out,
    });
    assert.deepEqual(manifest.sizes, BASE);
    assert.equal(manifest.parameters, 3_384_324);
    assert.deepEqual(readWeights(join(out, 'weights.safetensors')), randomWeights(BASE, 6));
  });

  it('keeps how the weights were trained, and golden tensors', async () => {
    const golden = encodeSafetensors(new Map([['x', { shape: [1], data: Float32Array.of(2) }]]));
    const out = join(folder, 'trained');
    await importModel(save('trained', randomWeights(TINY_MODEL, 7)), {
      name: 'trained',
      outDir: out,
      provenance: PROVENANCE,
      golden,
    });
    const manifest = readManifest(out);
    assert.deepEqual(manifest.provenance, PROVENANCE);
    assert.deepEqual(Buffer.from(readModelFile(out, manifest, 'golden')), golden);
  });

  const wrong: [string, unknown, RegExp][] = [
    ['no commit', { ...PROVENANCE, commit: undefined }, /provenance: "commit".*expected text, but received nothing/],
    [
      'steps in words',
      { ...PROVENANCE, steps: 'many' },
      /"steps".*expected a number of at least 0, but received "many"/,
    ],
    ['negative hours', { ...PROVENANCE, hours: -1 }, /"hours"/],
    ['a field too many', { ...PROVENANCE, dog: 1 }, /"dog".*expected one of commit config/],
    ['no object', 'text', /expected an object/],
  ];
  for (const [name, provenance, message] of wrong) {
    it(`provenance with ${name} is refused, on import and in a manifest`, async () => {
      const out = join(folder, `provenance ${name}`);
      const path = save('provenance', randomWeights(TINY_MODEL, 8));
      await assert.rejects(
        importModel(path, { name: 'x', outDir: out, provenance: provenance as typeof PROVENANCE }),
        (error) => error instanceof QpvoError && error.code === 'QPVO_USAGE' && message.test(error.message),
      );
      assert.throws(() => readdirSync(out));
      const manifest = await importModel(path, { name: 'x', outDir: out, provenance: PROVENANCE });
      writeFileSync(join(out, 'manifest.json'), JSON.stringify({ ...manifest, provenance }));
      assert.throws(
        () => readManifest(out),
        (error) => error instanceof QpvoError && error.code === 'QPVO_MODEL' && /"provenance/.test(error.message),
      );
    });
  }

  const faults: [string, (weights: Weights) => void, RegExp][] = [
    [
      'a missing tensor',
      (w) => w.delete('update.gru.3.res.2.bias'),
      /update\.gru\.3\.res\.2\.bias.*expected shape \[16\], but received no such tensor/,
    ],
    [
      'another shape',
      (w) => w.set('update.c1.0.weight', { shape: [8, 32], data: new Float32Array(256) }),
      /update\.c1\.0\.weight.*expected shape \[8,16\], but received shape \[8,32\]/,
    ],
    ['a tensor too many', (w) => w.set('update.extra', { shape: [1], data: new Float32Array(1) }), /update\.extra/],
    ['no encoder', (w) => w.delete('patchify.fnet.conv1.weight'), /patchify\.fnet\.conv1\.weight/],
    [
      'an inner width that the next layer does not have',
      (w) => cutRows(w, 'update.c1.0', 12),
      /update\.c1\.2\.weight.*expected shape \[16,12\], but received shape \[16,16\]/,
    ],
    [
      'an outer width that is smaller',
      (w) => cutRows(w, 'update.c1.2', 12),
      /update\.c1\.2\.weight.*expected shape \[16,16\], but received shape \[12,16\]/,
    ],
    [
      'an inner width beyond that of the network',
      (w) => w.set('update.c1.0.weight', { shape: [20, 16], data: new Float32Array(320) }),
      /update\.c1\.0\.weight.*expected shape \[16,16\], but received shape \[20,16\]/,
    ],
    [
      'aggregated values and logits of different widths',
      (w) => cutRows(w, 'update.agg_kk.f', 12),
      /update\.agg_kk\.g\.weight.*expected shape \[12,16\]/,
    ],
    ['NaN', (w) => w.get('update.d.1.bias')!.data.fill(Number.NaN), /update\.d\.1\.bias.*NaN/],
  ];
  for (const [name, spoil, message] of faults) {
    it(`${name} is refused by name, and nothing is written`, async () => {
      const weights = randomWeights(TINY_MODEL, 4);
      spoil(weights);
      const out = join(folder, `refused ${name}`);
      await assert.rejects(
        importModel(save('spoilt', weights), { name: 'spoilt', outDir: out }),
        (error) => error instanceof QpvoError && error.code === 'QPVO_MODEL' && message.test(error.message),
      );
      assert.throws(() => readdirSync(out));
    });
  }

  const widths: [string, Partial<NetworkSizes>, RegExp][] = [
    [
      'features that are no multiple of 16',
      { featureDim: 24 },
      /a multiple of 16 up to 1024 as featureDim, but received 24/,
    ],
    ['fewer than 16 features', { featureDim: 8 }, /a multiple of 16 up to 1024 as featureDim, but received 8\./],
    ['too many features', { featureDim: 1040 }, /as featureDim, but received 1040/],
    ['too wide a hidden state', { hiddenDim: 4097 }, /at most 4096 as hiddenDim, but received 4097.*hidden_dim/],
  ];
  for (const [name, changed, message] of widths) {
    const refuses = (error: unknown) =>
      error instanceof QpvoError && error.code === 'QPVO_MODEL' && message.test(error.message);

    it(`${name} are widths that cannot be run: refused on import and in a manifest`, async () => {
      const out = join(folder, `width ${name}`);
      const weights: Weights = new Map();
      for (const [tensor, shape] of encoderTensors({ ...TINY_MODEL, ...changed }))
        weights.set(tensor, { shape, data: new Float32Array(elementCount(shape)) });
      await assert.rejects(importModel(save('width', weights), { name: 'width', outDir: out }), refuses);
      assert.throws(() => readdirSync(out));
      const manifest = await importModel(save('width', randomWeights(TINY_MODEL, 9)), { name: 'width', outDir: out });
      writeFileSync(join(out, 'manifest.json'), JSON.stringify({ ...manifest, sizes: { ...TINY_MODEL, ...changed } }));
      assert.throws(() => readManifest(out), refuses);
    });
  }

  it('a folder that cannot be made', async () => {
    const path = save('blocked', randomWeights(TINY_MODEL, 5));
    mkdirSync(join(folder, 'parent'));
    writeFileSync(join(folder, 'parent', 'file'), '');
    await assert.rejects(
      importModel(path, { name: 'blocked', outDir: join(folder, 'parent', 'file', 'model') }),
      (error) => error instanceof QpvoError && error.code === 'QPVO_OUTPUT',
    );
  });

  it('a bad name', async () => {
    await assert.rejects(
      importModel('absent', { name: 'a/b', outDir: folder }),
      (error) => error instanceof QpvoError && error.code === 'QPVO_USAGE',
    );
  });
});

/** The layer with its first outputs only. */
function cutRows(weights: Weights, layer: string, outputs: number): void {
  for (const part of ['weight', 'bias']) {
    const { shape, data } = weights.get(`${layer}.${part}`)!;
    const kept = data.slice(0, (data.length / shape[0]!) * outputs);
    weights.set(`${layer}.${part}`, { shape: [outputs, ...shape.slice(1)], data: kept });
  }
}
