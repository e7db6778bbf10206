// SPDX-License-Identifier: MIT
import { QpvoError } from '../../error.ts';
import { correlationLength, type NetworkSizes } from './networkSizes.ts';
import type { Weights } from './Weights.ts';

/** Shapes of the tensors of both encoders, by name (the names of the published DPVO checkpoint). */
export function encoderTensors(sizes: NetworkSizes): Map<string, number[]> {
  const tensors = new Map<string, number[]>();
  const layer = (name: string, shape: number[]) => {
    tensors.set(`${name}.weight`, shape);
    tensors.set(`${name}.bias`, [shape[0]!]);
  };
  const { width, inputChannels } = sizes;
  for (const [net, out] of [
    ['fnet', sizes.featureDim],
    ['inet', sizes.hiddenDim],
  ] as const) {
    const at = `patchify.${net}`;
    layer(`${at}.conv1`, [width, inputChannels, 7, 7]);
    for (const block of ['layer1.0', 'layer1.1']) {
      layer(`${at}.${block}.conv1`, [width, width, 3, 3]);
      layer(`${at}.${block}.conv2`, [width, width, 3, 3]);
    }
    layer(`${at}.layer2.0.conv1`, [2 * width, width, 3, 3]);
    layer(`${at}.layer2.0.conv2`, [2 * width, 2 * width, 3, 3]);
    layer(`${at}.layer2.0.downsample.0`, [2 * width, width, 1, 1]);
    layer(`${at}.layer2.1.conv1`, [2 * width, 2 * width, 3, 3]);
    layer(`${at}.layer2.1.conv2`, [2 * width, 2 * width, 3, 3]);
    layer(`${at}.conv2`, [out, 2 * width, 1, 1]);
  }
  return tensors;
}

/** Shapes of the tensors of the update operator, by name. */
export function updateTensors(sizes: NetworkSizes): Map<string, number[]> {
  const tensors = new Map<string, number[]>();
  const { hiddenDim: D } = sizes;
  const linear = (name: string, outputs: number, inputs: number) => {
    tensors.set(`update.${name}.weight`, [outputs, inputs]);
    tensors.set(`update.${name}.bias`, [outputs]);
  };
  const norm = (name: string) => {
    tensors.set(`update.${name}.weight`, [D]);
    tensors.set(`update.${name}.bias`, [D]);
  };
  linear('corr.0', D, correlationLength(sizes));
  for (const name of ['corr.2', 'corr.5', 'c1.0', 'c1.2', 'c2.0', 'c2.2']) linear(name, D, D);
  for (const group of ['agg_kk', 'agg_ij']) for (const part of ['f', 'g', 'h']) linear(`${group}.${part}`, D, D);
  for (const block of ['gru.1', 'gru.3'])
    for (const part of ['gate.0', 'res.0', 'res.2']) linear(`${block}.${part}`, D, D);
  for (const name of ['norm', 'corr.3', 'gru.0', 'gru.2']) norm(name);
  linear('d.1', 2, D);
  linear('w.1', 2, D);
  return tensors;
}

/** Throws QPVO_MODEL when a tensor is missing, has another shape, or is not part of the network. */
export function checkTensors(weights: Weights, expected: Map<string, number[]>): void {
  for (const [name, shape] of expected) {
    const received = weights.get(name);
    if (received === undefined || received.shape.join() !== shape.join()) {
      throw mismatch(name, `shape [${shape}]`, received === undefined ? 'no such tensor' : `shape [${received.shape}]`);
    }
    if (!received.data.every(Number.isFinite)) throw mismatch(name, 'finite values', 'NaN or infinity');
  }
  const unknown = [...weights.keys()].filter((name) => !expected.has(name));
  if (unknown.length > 0)
    throw mismatch(unknown[0]!, 'a tensor of the network', `a name it does not have (${unknown.length} such)`);
}

function mismatch(name: string, expected: string, received: string): QpvoError {
  return new QpvoError('QPVO_MODEL', {
    what: `tensor ${name} does not fit the network`,
    expected,
    received,
    advice: 'The weights must come from a network of the DPVO shape; only its widths may differ.',
  });
}
