// SPDX-License-Identifier: MIT

import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { defaultParameters } from '../config/parameters.ts';
import { messageOf, QpvoError } from '../error.ts';
import {
  checksum,
  MANIFEST_FILE,
  MANIFEST_VERSION,
  type ModelFile,
  type ModelManifest,
  type ModelWindows,
  type Part,
} from './manifest.ts';
import { CORRELATION_LAYOUT } from './onnx/correlationColumns.ts';
import { contextGraph, featureGraph } from './onnx/encoderGraph.ts';
import { updateGraph } from './onnx/updateGraph.ts';
import { type ModelProvenance, provenanceFault } from './provenance.ts';
import { checkTensors, encoderTensors, updateTensors } from './weights/expectedTensors.ts';
import { inferSizes } from './weights/networkSizes.ts';
import { readWeights } from './weights/readWeights.ts';
import { encodeSafetensors } from './weights/safetensors.ts';

export interface ImportOptions {
  /** Name of the model; letters, digits, dot, dash and underscore. */
  name: string;
  /** Folder to write; made when it does not exist. */
  outDir: string;
  description?: string;
  licence?: string;
  /** Where the weights come from. */
  training?: string;
  provenance?: ModelProvenance;
  windows?: ModelWindows;
  /** Tensors of golden inputs and outputs, a .safetensors file's content. */
  golden?: Uint8Array;
}

/** The windows of the parameter table. */
function defaultWindows(): ModelWindows {
  const { patchesPerFrame, removalWindow, patchLifetime, optimizationWindow } = defaultParameters();
  return { patchesPerFrame, removalWindow, patchLifetime, optimizationWindow };
}

/**
 * Makes a model folder from trained weights (.pt, .pth, .npz, .safetensors; tensor names of the published DPVO checkpoint, any widths): ONNX graphs,
 * the weights as .safetensors, and the manifest, which is written last. Weights without any `update.` tensor give a model of encoders only.
 *
 * @throws QPVO_USAGE for a bad name or provenance, QPVO_MODEL when the weights cannot be read or do not form the network, QPVO_OUTPUT when the
 * folder cannot be written
 */
export async function importModel(weightsPath: string, options: ImportOptions): Promise<ModelManifest> {
  if (!/^[\w.-]+$/.test(options.name)) {
    throw new QpvoError('QPVO_USAGE', {
      what: 'bad model name',
      expected: 'letters, digits, dot, dash, underscore',
      received: options.name,
    });
  }
  const fault = options.provenance === undefined ? undefined : provenanceFault(options.provenance);
  if (fault !== undefined) {
    const received = JSON.stringify(fault.received) ?? 'nothing';
    throw new QpvoError('QPVO_USAGE', { what: `provenance: "${fault.key}"`, expected: fault.expected, received });
  }
  const weights = readWeights(weightsPath);
  const sizes = inferSizes(weights);
  const complete = [...weights.keys()].some((name) => name.startsWith('update.'));
  checkTensors(weights, new Map([...encoderTensors(sizes), ...(complete ? updateTensors(sizes) : [])]));

  const contents: [Part, string, Uint8Array][] = [
    ['features', 'features.onnx', featureGraph(weights, sizes)],
    ['context', 'context.onnx', contextGraph(weights, sizes)],
    ['weights', 'weights.safetensors', encodeSafetensors(weights)],
  ];
  if (complete) contents.push(['update', 'update.onnx', updateGraph(weights, sizes)]);
  if (options.golden !== undefined) contents.push(['golden', 'golden.safetensors', options.golden]);

  const files: Partial<Record<Part, ModelFile>> = {};
  for (const [part, name, bytes] of contents) files[part] = { name, bytes: bytes.length, sha256: checksum(bytes) };
  const manifest: ModelManifest = {
    version: MANIFEST_VERSION,
    name: options.name,
    description: options.description ?? 'Imported weights.',
    licence: options.licence ?? 'unknown',
    training: options.training ?? 'unknown',
    ...(options.provenance === undefined ? {} : { provenance: options.provenance }),
    parameters: [...weights.values()].reduce((sum, { data }) => sum + data.length, 0),
    sizes,
    normalisation: { scale: 2 / 255, offset: -0.5, channels: sizes.inputChannels === 1 ? 'grey' : 'bgr' },
    correlation: CORRELATION_LAYOUT,
    windows: options.windows ?? defaultWindows(),
    files,
  };
  await writeFiles(options.outDir, [
    ...contents.map(([, name, bytes]) => [name, bytes] as const),
    [MANIFEST_FILE, `${JSON.stringify(manifest, null, 2)}\n`],
  ]);
  return manifest;
}

/** Writes the files in order, each first under another name, so that none is ever half there. */
async function writeFiles(folder: string, files: (readonly [string, Uint8Array | string])[]): Promise<void> {
  try {
    await mkdir(folder, { recursive: true });
    for (const [name, content] of files) {
      await writeFile(join(folder, `${name}.part`), content);
      await rename(join(folder, `${name}.part`), join(folder, name));
    }
  } catch (cause) {
    throw new QpvoError('QPVO_OUTPUT', {
      what: `cannot write the model to ${folder}`,
      received: messageOf(cause),
      advice: 'Give a folder that can be written.',
      cause,
    });
  }
}
