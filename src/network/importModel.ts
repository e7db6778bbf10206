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
  type ModelQuantization,
  type ModelWindows,
  type Part,
} from './manifest.ts';
import { PART_FILES } from './modelParts.ts';
import { CORRELATION_LAYOUT } from './onnx/correlationColumns.ts';
import { floatParts, int8Parts } from './partContents.ts';
import { type ModelProvenance, provenanceFault } from './provenance.ts';
import { readScales, SCHEME, type Scales } from './quantization/readScales.ts';
import { checkTensors, encoderTensors, innerWidthsOf, updateTensors } from './weights/expectedTensors.ts';
import { checkRunnable, inferSizes, type NetworkSizes } from './weights/networkSizes.ts';
import { readWeights } from './weights/readWeights.ts';
import type { Weights } from './weights/Weights.ts';

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
  /** Scales of the layers to be computed in int8: a .safetensors file. Without it the model is one in fp32 only. */
  scales?: { path: string; content: Uint8Array };
  /** Golden tensors of the quantized network; only with scales. */
  goldenInt8?: Uint8Array;
  /** The same with the steps that TensorRT has; only with scales. */
  goldenTensorrt?: Uint8Array;
}

const QUANTIZED_GOLDEN = ['goldenInt8', 'goldenTensorrt'] as const;

/** The windows of the parameter table. */
function defaultWindows(): ModelWindows {
  const { patchesPerFrame, removalWindow, patchLifetime, optimizationWindow } = defaultParameters();
  return { patchesPerFrame, removalWindow, patchLifetime, optimizationWindow };
}

/**
 * Makes a model folder from trained weights (.pt, .pth, .npz, .safetensors; tensor names of the published DPVO checkpoint, any widths): ONNX graphs,
 * the weights as .safetensors, and the manifest, which is written last. Weights without any `update.` tensor give a model of encoders only; with scales
 * the int8 forms stand beside those in fp32.
 *
 * @throws QPVO_USAGE for a bad name or provenance, QPVO_MODEL when weights or scales cannot be read, do not form the network or are of a width that
 * cannot be run, QPVO_OUTPUT when the folder cannot be written
 */
export async function importModel(weightsPath: string, options: ImportOptions): Promise<ModelManifest> {
  checkOptions(options);
  const weights = readWeights(weightsPath);
  const sizes = inferSizes(weights);
  checkRunnable(sizes, weightsPath);
  checkWeights(weights, sizes);
  const scales = scalesOption(options, weights);

  const contents: [Part, Uint8Array][] = floatParts(weights, sizes);
  if (options.golden !== undefined) contents.push(['golden', options.golden]);
  if (scales !== undefined) contents.push(...int8Parts(weights, sizes, scales));
  for (const part of QUANTIZED_GOLDEN) {
    const golden = options[part];
    if (golden !== undefined) contents.push([part, golden]);
  }

  const files: Partial<Record<Part, ModelFile>> = {};
  for (const [part, bytes] of contents) {
    files[part] = { name: PART_FILES[part], bytes: bytes.length, sha256: checksum(bytes) };
  }
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
    ...(scales === undefined ? {} : { quantization: quantizationOf(scales) }),
    files,
  };
  await writeFiles(options.outDir, [
    ...contents.map(([part, bytes]) => [PART_FILES[part], bytes] as const),
    [MANIFEST_FILE, `${JSON.stringify(manifest, null, 2)}\n`],
  ]);
  return manifest;
}

function checkOptions({ name, provenance, scales, ...others }: ImportOptions): void {
  if (!/^[\w.-]+$/.test(name)) {
    throw new QpvoError('QPVO_USAGE', {
      what: 'bad model name',
      expected: 'letters, digits, dot, dash, underscore',
      received: name,
    });
  }
  const fault = provenance === undefined ? undefined : provenanceFault(provenance);
  if (fault !== undefined) {
    const received = JSON.stringify(fault.received) ?? 'nothing';
    throw new QpvoError('QPVO_USAGE', { what: `provenance: "${fault.key}"`, expected: fault.expected, received });
  }
  if (scales === undefined && QUANTIZED_GOLDEN.some((part) => others[part] !== undefined)) {
    throw new QpvoError('QPVO_USAGE', {
      what: 'golden tensors of an int8 model',
      expected: 'the scales of its layers too',
    });
  }
}

/** Weights with any tensor of the update operator must have all of them. */
function checkWeights(weights: Weights, sizes: NetworkSizes): void {
  const inner = innerWidthsOf(weights);
  const complete = [...weights.keys()].some((name) => name.startsWith('update.'));
  checkTensors(weights, new Map([...encoderTensors(sizes, inner), ...(complete ? updateTensors(sizes, inner) : [])]));
}

function scalesOption({ scales }: ImportOptions, weights: Weights): Scales | undefined {
  if (scales === undefined) return undefined;
  const { path, content } = scales;
  return readScales(Buffer.from(content.buffer, content.byteOffset, content.byteLength), path, weights);
}

function quantizationOf(scales: Scales): ModelQuantization {
  return {
    scheme: SCHEME,
    inputScales: Object.fromEntries([...scales].map(([layer, { input }]) => [layer, input])),
  };
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
