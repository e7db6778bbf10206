// SPDX-License-Identifier: MIT
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { importModel } from '../../src/network/importModel.ts';
import type { ModelManifest } from '../../src/network/manifest.ts';
import { encodeSafetensors } from '../../src/network/weights/safetensors.ts';
import type { Weights } from '../../src/network/weights/Weights.ts';
import { madeUpScales, scalesFile, scaleTensors } from './madeUpScales.ts';
import { randomWeights, TINY_MODEL } from './randomNetwork.ts';

/** Makes a model in fp32 and in int8, by default of a random network. Weights and scales lie beside it: tiny.safetensors, scales.safetensors. */
export async function writeInt8Model(
  folder: string,
  name: string,
  weights: Weights = randomWeights(TINY_MODEL, 1),
): Promise<ModelManifest> {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, 'tiny.safetensors');
  const content = scalesFile(scaleTensors(madeUpScales(weights, 1)));
  writeFileSync(path, encodeSafetensors(weights));
  writeFileSync(join(folder, 'scales.safetensors'), content);
  return importModel(path, { name, outDir: join(folder, name), scales: { path: 'scales.safetensors', content } });
}
