// SPDX-License-Identifier: MIT
import { QpvoError } from '../../error.ts';
import type { Int8Tensor, RuntimeTensors } from '../weights/RuntimeTensors.ts';
import { readMixedSafetensors } from '../weights/safetensors.ts';
import type { Weights, WeightTensor } from '../weights/Weights.ts';
import { quantizedLayer } from './quantizedLayers.ts';
import { quantizeWeights } from './quantizeWeights.ts';
import type { Scales } from './readScales.ts';

/** The tensors with the weights of the layers that have scales in int8, and their scales beside them. */
export function int8Weights(weights: Weights, scales: Scales): RuntimeTensors {
  const tensors = new Map<string, WeightTensor | Int8Tensor>();
  for (const [name, tensor] of weights) {
    const layer = name.replace(/\.weight$/, '');
    const layerScales = layer === name ? undefined : scales.get(layer);
    if (layerScales === undefined) {
      tensors.set(name, tensor);
      continue;
    }
    tensors.set(name, quantizeWeights(tensor, layerScales.weight));
    tensors.set(`${layer}.weight_scale`, { shape: [layerScales.weight.length], data: layerScales.weight });
    tensors.set(`${layer}.input_scale`, { shape: [1], data: Float32Array.of(layerScales.input) });
  }
  return tensors;
}

/**
 * Reads weights_int8.safetensors.
 *
 * @param path for messages
 * @throws QPVO_MODEL when it holds no int8 layer, or one without its scales and bias, or scales that are not finite and above 0
 */
export function readInt8Weights(bytes: Uint8Array, path = 'weights_int8.safetensors'): RuntimeTensors {
  const tensors = readMixedSafetensors(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength), path);
  const layers = int8Layers(tensors);
  if (layers.length === 0) throw unfit(path, 'int8 weights of at least one layer', 'none');
  for (const layer of layers) {
    if (quantizedLayer(layer) === undefined) throw unfit(path, 'int8 weights where the network has them', layer);
    const outputs = tensors.get(`${layer}.weight`)!.shape[0]!;
    for (const [name, length] of [
      [`${layer}.weight_scale`, outputs],
      [`${layer}.input_scale`, 1],
      [`${layer}.bias`, outputs],
    ] as const) {
      const data = tensors.get(name)?.data;
      if (!(data instanceof Float32Array)) throw unfit(path, `${name} in fp32`, 'none');
      if (data.length !== length) throw unfit(path, `${name} of length ${length}`, `${data.length}`);
      const isScale = name.endsWith('_scale');
      const bad = data.findIndex((value) => !Number.isFinite(value) || (isScale && value <= 0));
      if (bad !== -1) {
        throw unfit(path, `${name} with finite numbers${isScale ? ' above 0' : ''}`, `${data[bad]} at ${bad}`);
      }
    }
  }
  return tensors;
}

/** Names of the layers whose weights are in int8. */
export function int8Layers(tensors: RuntimeTensors): string[] {
  return [...tensors].flatMap(([name, { data }]) => (data instanceof Int8Array ? [name.replace(/\.weight$/, '')] : []));
}

/** The scales that int8 weights were made with. */
export function scalesOf(tensors: RuntimeTensors): Scales {
  return new Map(
    int8Layers(tensors).map((layer) => [
      layer,
      {
        input: tensors.get(`${layer}.input_scale`)!.data[0]!,
        weight: tensors.get(`${layer}.weight_scale`)!.data as Float32Array,
      },
    ]),
  );
}

function unfit(path: string, expected: string, received: string): QpvoError {
  return new QpvoError('QPVO_MODEL', {
    what: `${path} cannot be used in int8`,
    expected,
    received,
    advice: 'Import the model again with its scales (qpvo import --scales).',
  });
}
