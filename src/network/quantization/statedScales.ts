// SPDX-License-Identifier: MIT
import { QpvoError } from '../../error.ts';
import type { ModelManifest } from '../manifest.ts';
import type { RuntimeTensors } from '../weights/RuntimeTensors.ts';
import { readInt8Weights, scalesOf } from './int8Weights.ts';

/**
 * The int8 weights of a model, of which the manifest states the scales.
 *
 * @throws QPVO_MODEL as readInt8Weights(), and when the manifest has no scale of a layer, another one, or one of a layer that is not in int8
 */
export function statedInt8Weights(
  bytes: Uint8Array,
  { name, quantization }: Pick<ModelManifest, 'name' | 'quantization'>,
): RuntimeTensors {
  const tensors = readInt8Weights(bytes);
  const made = scalesOf(tensors);
  const stated = new Map(Object.entries(quantization?.inputScales ?? {}));
  for (const layer of new Set([...made.keys(), ...stated.keys()])) {
    const [scale, said] = [made.get(layer)?.input, stated.get(layer)];
    if (scale !== undefined && said !== undefined && Math.fround(said) === scale) continue;
    throw new QpvoError('QPVO_MODEL', {
      what: `the manifest of the model ${name} and its int8 weights disagree about ${layer}`,
      expected:
        scale === undefined
          ? 'no scale, because the layer is not in int8'
          : `quantization.inputScales.${layer} = ${scale}`,
      received: said === undefined ? 'none' : `${said}`,
      advice: 'Import the model again with its scales (qpvo import --scales).',
    });
  }
  return tensors;
}
