// SPDX-License-Identifier: MIT
import type { Precision } from '../config/Profile.ts';
import { loadModelFile, type ModelManifest, type Part } from '../network/manifest.ts';
import type { NetworkPart } from '../network/neededParts.ts';
import { contextGraph, featureGraph } from '../network/onnx/encoderGraph.ts';
import { updateBatchGraph } from '../network/onnx/updateBatchGraph.ts';
import { scalesOf } from '../network/quantization/int8Weights.ts';
import { statedInt8Weights } from '../network/quantization/statedScales.ts';
import { correlationLength } from '../network/weights/networkSizes.ts';
import { readSafetensors } from '../network/weights/safetensors.ts';
import type { Weights } from '../network/weights/Weights.ts';
import type { EngineGraphName } from './EngineKey.ts';

/** The lengths for which engines are built; all of them are fixed. */
export interface EngineShape {
  /** Network image, pixels. */
  width: number;
  height: number;
  /** M, patches of a frame. */
  patches: number;
  /** S, most source frames of an update. */
  sources: number;
  /** T, most targets of a source. */
  targets: number;
}

/** What an engine is built from. */
export interface EngineGraph {
  name: EngineGraphName;
  onnx: Uint8Array;
  inputs: Record<string, number[]>;
}

/** Network of a graph, in the words of profiles. */
export const NETWORK_OF: Readonly<Record<EngineGraphName, NetworkPart>> = {
  features: 'encoder',
  context: 'encoder',
  update: 'update',
};

/**
 * The graphs of a network. What TensorRT computes in which precision stands in them (it takes them as strongly typed): the encoders in fp32 and int8 are files of
 * the model; those in fp16 and the update operator, which has its lengths in it, are made from the weights.
 *
 * @throws QPVO_MODEL when the model lacks a part, or one is damaged
 */
export async function engineGraphs(
  modelDir: string,
  manifest: ModelManifest,
  network: NetworkPart,
  precision: Precision,
  shape: EngineShape,
): Promise<EngineGraph[]> {
  const { sizes } = manifest;
  const load = (part: Part) => loadModelFile(modelDir, manifest, part);
  const weights = async (): Promise<Weights> =>
    readSafetensors(Buffer.from(await load('weights')), 'weights.safetensors');
  const { width, height, patches, sources, targets } = shape;
  const image = [1, sizes.inputChannels, height, width];

  if (network === 'encoder') {
    const graphs =
      precision === 'fp16'
        ? await weights().then((from) =>
            [featureGraph, contextGraph].map((graph) => graph(from, sizes, undefined, 'fp16')),
          )
        : precision === 'int8'
          ? [await load('featuresTensorrt'), await load('contextTensorrt')]
          : [await load('features'), await load('context')];
    return [
      { name: 'features', onnx: graphs[0]!, inputs: { image } },
      { name: 'context', onnx: graphs[1]!, inputs: { image, cells: [patches] } },
    ];
  }
  const form =
    precision === 'int8'
      ? {
          quantization: {
            scales: scalesOf(statedInt8Weights(await load('weightsInt8'), manifest)),
            target: 'tensorrt' as const,
          },
        }
      : { precision };
  const D = sizes.hiddenDim;
  return [
    {
      name: 'update',
      onnx: updateBatchGraph(await weights(), sizes, { sources, targets, patches }, form),
      inputs: {
        hidden: [sources, targets, patches, D],
        context: [sources, 1, patches, D],
        correlation: [sources * targets * patches, correlationLength(sizes)],
        mask: [sources, targets, 1, 1],
      },
    },
  ];
}
