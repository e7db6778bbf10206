// SPDX-License-Identifier: MIT
import { QpvoError } from '../../error.ts';
import { readSafetensors, readSafetensorsMetadata } from '../weights/safetensors.ts';
import type { Weights } from '../weights/Weights.ts';
import { type QuantizedLayer, quantizedLayer } from './quantizedLayers.ts';

/** How the numbers of a scales file are meant: weights s8 with a scale per output channel, activations u8 or s8 with one scale per tensor. */
export const SCHEME = 'w_s8_channel_a_u8s8_tensor';

/** What the integers of a layer stand for: value = integer * scale, zero at zero. */
export interface LayerScales {
  /** Of its input: 0..255 where the input comes out of a ReLU, else -128..127. */
  input: number;
  /** [outputs] of its weights, -127..127. */
  weight: Float32Array;
}

/** The quantized layers of a network by name; all others are in floating point. */
export type Scales = ReadonlyMap<string, LayerScales>;

/**
 * Reads the scales that training found: `<layer>.input_scale` [1] and `<layer>.weight_scale` [outputs] of every quantized layer, as .safetensors.
 *
 * @param path for messages
 * @throws QPVO_MODEL when a scale is missing, not finite, not positive or of another length; when a layer is unknown or never quantized; when layers
 * with the same input do not share its scale; when the file is of another scheme or has no scale at all
 */
export function readScales(bytes: Buffer, path: string, weights: Weights): Scales {
  const scheme = readSafetensorsMetadata(bytes, path).scheme;
  if (scheme !== SCHEME) throw unfit(path, `metadata scheme: ${SCHEME}`, `${scheme ?? 'none'}`);
  return checkedScales(readSafetensors(bytes, path), path, weights);
}

/** The same from tensors; what does not end in `_scale` is refused. */
export function checkedScales(tensors: Weights, path: string, weights: Weights): Scales {
  for (const name of tensors.keys()) refuseUnknown(name, path, weights);
  const names = new Set([...tensors.keys()].map((name) => name.replace(/\.(input|weight)_scale$/, '')));
  if (names.size === 0) throw unfit(path, 'scales of at least one layer', 'none');
  const scales = new Map<string, LayerScales>();
  for (const name of names) {
    const outputs = weights.get(`${name}.weight`)!.shape[0]!;
    const [input] = checkedTensor(tensors, `${name}.input_scale`, 1, path);
    scales.set(name, { input: input!, weight: checkedTensor(tensors, `${name}.weight_scale`, outputs, path) });
  }
  for (const name of names) checkGroup(quantizedLayer(name)!, scales, path, weights);
  return scales;
}

function refuseUnknown(name: string, path: string, weights: Weights): void {
  const layer = /^(.+)\.(?:input|weight)_scale$/.exec(name)?.[1];
  if (layer === undefined) throw unfit(path, 'names that end in .input_scale or .weight_scale', name);
  if (quantizedLayer(layer) === undefined || !weights.has(`${layer}.weight`)) {
    throw unfit(path, 'scales of layers that can be quantized and that the weights have', name);
  }
}

function checkedTensor(tensors: Weights, name: string, length: number, path: string): Float32Array {
  const tensor = tensors.get(name);
  if (tensor === undefined) throw unfit(path, name, 'no such tensor');
  if (tensor.data.length !== length) {
    throw unfit(path, `${name} with ${length} ${length === 1 ? 'number' : 'numbers'}`, `${tensor.data.length}`);
  }
  const bad = tensor.data.findIndex((value) => !(Number.isFinite(value) && value > 0));
  if (bad !== -1) throw unfit(path, `${name} with finite numbers above 0`, `${tensor.data[bad]} at ${bad}`);
  return tensor.data;
}

/** Every layer of the group must be there, with the same scale of the input. */
function checkGroup({ name, group }: QuantizedLayer, scales: Scales, path: string, weights: Weights): void {
  const members = [...weights.keys()]
    .filter((key) => key.endsWith('.weight'))
    .map((key) => key.replace(/\.weight$/, ''))
    .filter((key) => quantizedLayer(key)?.group === group);
  for (const member of members) {
    const other = scales.get(member);
    if (other === undefined) {
      throw unfit(path, `scales of ${member} too, which has the same input as ${name}`, 'none');
    }
    if (other.input !== scales.get(name)!.input) {
      throw unfit(path, `one input_scale for ${name} and ${member}, which have the same input`, 'two different ones');
    }
  }
}

function unfit(path: string, expected: string, received: string): QpvoError {
  return new QpvoError('QPVO_MODEL', {
    what: `the scales in ${path} do not fit the network`,
    expected,
    received,
    advice: 'Give the scales that were made for these weights (training: calibrate, qat).',
  });
}
