// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { readManifest } from '../../../src/network/manifest.ts';
import { findModelFolder } from '../../../src/network/modelFolder.ts';
import { missingForForm, type NetworkForms, neededParts } from '../../../src/network/neededParts.ts';
import { DEFAULT_ENGINE_OPTIONS } from '../../../src/tensorrt/EngineKey.ts';
import { engineGraphs } from '../../../src/tensorrt/engineGraphs.ts';

const modelDir = findModelFolder('small');
const manifest = readManifest(modelDir);
const shape = { width: 160, height: 96, patches: 8, sources: 3, targets: 5 };
const runtime = { encoder: 'tensorrt', update: 'tensorrt' } as const;

describe('what engines are built from', () => {
  for (const precision of ['fp32', 'fp16', 'int8'] as const) {
    const forms: NetworkForms = { runtime, precision: { encoder: precision, update: precision } };
    for (const network of ['encoder', 'update'] as const) {
      it(`${network} in ${precision}: the parts that the model must have, and graphs that are the same every time`, async () => {
        const needed = neededParts(network, forms);
        const files = Object.fromEntries(needed.map((part) => [part, manifest.files[part]!]));
        const least = { ...manifest, files };
        assert.equal(missingForForm(least, network, forms), undefined);
        const graphs = await engineGraphs(modelDir, least, network, precision, shape);
        assert.deepEqual(
          graphs.map(({ name }) => name),
          network === 'encoder' ? ['features', 'context'] : ['update'],
        );
        const again = await engineGraphs(modelDir, least, network, precision, shape);
        assert.deepEqual(again, graphs, 'the hash of a graph is part of the key of its engine');
      });
    }
  }

  it('a model without its int8 parts has no int8 engines', async () => {
    const { features, context, weights } = manifest.files;
    const plain = { ...manifest, files: { features: features!, context: context!, weights: weights! } };
    await assert.rejects(engineGraphs(modelDir, plain, 'encoder', 'int8', shape), { code: 'QPVO_MODEL' });
    const forms: NetworkForms = { runtime, precision: { encoder: 'fp32', update: 'fp32' } };
    assert.match(missingForForm(plain, 'update', forms)!, /no part "update" for the update operator in fp32/);
  });

  it('options are those of the GPU unless said otherwise', () => {
    assert.deepEqual(DEFAULT_ENGINE_OPTIONS, { dlaCore: -1, level: 3, workspaceMb: 1024 });
  });
});
