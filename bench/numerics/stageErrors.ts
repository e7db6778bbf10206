// SPDX-License-Identifier: MIT
import { readManifest, readModelFile } from '../../src/network/manifest.ts';
import type { NetworkForms } from '../../src/network/neededParts.ts';
import { openNetwork } from '../../src/network/openNetwork.ts';
import { readSafetensors } from '../../src/network/weights/safetensors.ts';
import type { Weights } from '../../src/network/weights/Weights.ts';

/** Outputs of the networks that golden tensors have, by their names there. */
export const STAGES = ['features', 'context', 'hiddenOut', 'delta', 'weight'] as const;
export type Stage = (typeof STAGES)[number];

export interface StageError {
  stage: Stage;
  /** Root mean square of the difference over that of the golden tensor, percent. */
  rmsPercent: number;
  /** Greatest absolute difference, in the unit of the stage. */
  worst: number;
}

/** Golden tensors of a model. */
export type Golden = Weights;

/** The part `golden` (fp32) or `goldenInt8` (quantization simulated in fp32); undefined when the model has none. */
export function readGolden(folder: string, part: 'golden' | 'goldenInt8'): Golden | undefined {
  const manifest = readManifest(folder);
  if (manifest.files[part] === undefined) return undefined;
  return readSafetensors(Buffer.from(readModelFile(folder, manifest, part)), part);
}

export function errorsOf(outputs: Record<Stage, Float32Array>, golden: Golden): StageError[] {
  return STAGES.map((stage) => ({ stage, ...errorOf(outputs[stage], golden.get(stage)!.data) }));
}

export function errorOf(actual: Float32Array, expected: Float32Array): Omit<StageError, 'stage'> {
  let difference = 0;
  let size = 0;
  let worst = 0;
  for (const [n, value] of expected.entries()) {
    const off = Math.abs(actual[n]! - value);
    difference += off * off;
    size += value * value;
    worst = Math.max(worst, off);
  }
  return { rmsPercent: 100 * Math.sqrt(difference / size), worst };
}

/** The outputs of every stage from the golden inputs: features and context of both images, one update of all pairs of two frames. */
export async function stageOutputs(
  folder: string,
  forms: NetworkForms,
  golden: Golden,
): Promise<Record<Stage, Float32Array>> {
  const of = (name: string): Float32Array => golden.get(name)!.data;
  const network = await openNetwork(folder, { threads: 2, ...forms });
  try {
    const { sizes, normalisation } = network.manifest;
    const [, , height, width] = golden.get('image')!.shape as [number, number, number, number];
    const patches = golden.get('cells')!.shape[1]!;
    const features = new Float32Array(of('features').length);
    const context = new Float32Array(of('context').length);
    const buffers = {
      image: new Float32Array(sizes.inputChannels * height * width),
      cells: new Int32Array(patches),
      features: new Float32Array(features.length / 2),
      context: new Float32Array(context.length / 2),
    };
    network.allocate({ height, width, patches, maxPairs: 4, maxSources: 2, ringSlots: 2, buffers });
    for (let n = 0; n < 2; n++) {
      buffers.image.set(half(of('image'), n).map((value) => normalisation.scale * value + normalisation.offset));
      buffers.cells.set(half(of('cells'), n));
      await network.encode();
      features.set(buffers.features, n * buffers.features.length);
      context.set(buffers.context, n * buffers.context.length);
    }
    const hiddenOut = new Float32Array(4 * patches * sizes.hiddenDim);
    const delta = new Float32Array(4 * patches * 2);
    const weight = new Float32Array(4 * patches * 2);
    const inputs = { hiddenIn: of('hidden'), contextRing: of('context'), correlation: of('correlation') };
    await network.update({ count: 4, ...ALL_PAIRS, ...inputs, hiddenOut, delta, weight });
    return { features, context, hiddenOut, delta, weight };
  } finally {
    await network.close();
  }
}

/** Source by source, each with both frames as targets. */
const ALL_PAIRS = {
  source: Int32Array.of(0, 0, 1, 1),
  sourceIndex: Int32Array.of(0, 0, 1, 1),
  previous: Int32Array.of(-1, 0, -1, 2),
  next: Int32Array.of(1, -1, 3, -1),
};

function half(data: Float32Array, n: number): Float32Array {
  return data.subarray((n * data.length) / 2, ((n + 1) * data.length) / 2);
}
