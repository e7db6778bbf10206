// SPDX-License-Identifier: MIT
import { int8Weights } from '../src/network/quantization/int8Weights.ts';
import type { QuantizedLayer } from '../src/network/quantization/quantizedLayers.ts';
import type { LayerScales } from '../src/network/quantization/readScales.ts';
import type { RuntimeTensors } from '../src/network/weights/RuntimeTensors.ts';
import type { Weights } from '../src/network/weights/Weights.ts';

/** These layers in int8, for models without scales; the time does not depend on their values. */
export function withAnyScales(weights: Weights, layers: readonly QuantizedLayer[]): RuntimeTensors {
  const scales = layers.map(({ name }): [string, LayerScales] => {
    const outputs = weights.get(`${name}.weight`)!.shape[0]!;
    return [name, { input: 1 / 32, weight: new Float32Array(outputs).fill(1 / 127) }];
  });
  return int8Weights(weights, new Map(scales));
}
