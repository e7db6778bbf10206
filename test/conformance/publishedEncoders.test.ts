// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as ort from 'onnxruntime-node';
import { importModel } from '../../src/network/importModel.ts';
import { readModelFile } from '../../src/network/manifest.ts';
import { randomNumbers } from './randomNetwork.ts';
import { temporaryFolder } from './temporaryFolder.ts';

const DATA = '../shared/data/dpvo_frontend';
const HEIGHT = 528;
const WIDTH = 960;
const CELLS = Int32Array.from({ length: 48 }, (_, n) => (3 + 2 * n) * (WIDTH / 4) + 1 + 4 * n);

/** The published encoders as exported by others: input normalised, output divided by 4, as ours. */
describe('published DPVO encoders through the importer', function () {
  this.timeout(60000);
  const folder = temporaryFolder();

  before(function () {
    if (existsSync(DATA)) return;
    console.log(`      SKIPPED: ${DATA} is absent, so the encoders were not compared with the published ones`);
    this.skip();
  });

  it('give the same features and context', async () => {
    const manifest = await importModel(join(DATA, 'dpvo_frontend.npz'), { name: 'published', outDir: folder });
    assert.deepEqual(
      { ...manifest.sizes },
      { inputChannels: 3, width: 32, featureDim: 128, hiddenDim: 384, patchSize: 3, radius: 3, levels: [1, 4] },
    );
    assert.equal(manifest.files.update, undefined);
    const image = new ort.Tensor('float32', smoothImage(), [1, 3, HEIGHT, WIDTH]);

    const features = await run(readModelFile(folder, manifest, 'features'), { image });
    const publishedFeatures = await run(readFileSync(join(DATA, 'fnet_528x960.onnx')), { images: image });
    assert.ok(
      difference(features, publishedFeatures) < 1e-3,
      `features differ by ${difference(features, publishedFeatures)}`,
    );

    const context = await run(readModelFile(folder, manifest, 'context'), {
      image,
      cells: new ort.Tensor('int32', CELLS, [CELLS.length]),
    });
    const publishedContext = atCells(await run(readFileSync(join(DATA, 'inet_528x960.onnx')), { images: image }), 384);
    assert.ok(
      difference(context, publishedContext) < 1e-3,
      `context differs by ${difference(context, publishedContext)}`,
    );
  });
});

/** Waves and noise in -0.5..1.5. */
function smoothImage(): Float32Array {
  const random = randomNumbers(3);
  return Float32Array.from({ length: 3 * HEIGHT * WIDTH }, (_, n) => {
    const x = n % WIDTH;
    const y = Math.floor(n / WIDTH) % HEIGHT;
    return 0.5 + 0.6 * Math.sin(x / 17 + y / 29) * Math.cos(x / 41 - y / 11) + 0.3 * random();
  });
}

async function run(model: Uint8Array, inputs: Record<string, ort.Tensor>): Promise<Float32Array> {
  const session = await ort.InferenceSession.create(model);
  const outputs = await session.run(inputs);
  await session.release();
  return outputs[session.outputNames[0]!]!.data as Float32Array;
}

/** [C][h][w] at the cells, as [M][C]. */
function atCells(map: Float32Array, channels: number): Float32Array {
  const plane = map.length / channels;
  return Float32Array.from(
    { length: CELLS.length * channels },
    (_, n) => map[(n % channels) * plane + CELLS[Math.floor(n / channels)]!]!,
  );
}

/** Largest difference relative to the largest expected magnitude. */
function difference(actual: Float32Array, expected: Float32Array): number {
  assert.equal(actual.length, expected.length);
  let worst = 0;
  let scale = 0;
  for (const [n, value] of expected.entries()) {
    worst = Math.max(worst, Math.abs(value - actual[n]!));
    scale = Math.max(scale, Math.abs(value));
  }
  assert.ok(scale > 0.01);
  return worst / scale;
}
