// SPDX-License-Identifier: MIT
import { QpvoError } from '../../error.ts';
import { correlationLength, type NetworkSizes } from './networkSizes.ts';
import type { Weights } from './Weights.ts';

/** Outputs of a layer that only one layer reads, of `full` at most: pruned networks have fewer. */
export type InnerWidths = (layer: string, full: number) => number;

const UNPRUNED: InnerWidths = (_layer, full) => full;

/** The widths that the weights have. One that is no such width is taken as `full`, so that the comparison refuses it. */
export function innerWidthsOf(weights: Weights): InnerWidths {
  return (layer, full) => {
    const outputs = weights.get(`${layer}.weight`)?.shape[0] ?? full;
    return outputs >= 1 && outputs <= full ? outputs : full;
  };
}

/** Shapes of the tensors of both encoders, by name (the names of the published DPVO checkpoint). */
export function encoderTensors(sizes: NetworkSizes, inner: InnerWidths = UNPRUNED): Map<string, number[]> {
  const tensors = new Map<string, number[]>();
  const layer = (name: string, shape: number[]) => {
    tensors.set(`${name}.weight`, shape);
    tensors.set(`${name}.bias`, [shape[0]!]);
  };
  const block = (name: string, outputs: number, inputs: number) => {
    const between = inner(`${name}.conv1`, outputs);
    layer(`${name}.conv1`, [between, inputs, 3, 3]);
    layer(`${name}.conv2`, [outputs, between, 3, 3]);
  };
  const { width, inputChannels } = sizes;
  for (const [net, out] of [
    ['fnet', sizes.featureDim],
    ['inet', sizes.hiddenDim],
  ] as const) {
    const at = `patchify.${net}`;
    layer(`${at}.conv1`, [width, inputChannels, 7, 7]);
    block(`${at}.layer1.0`, width, width);
    block(`${at}.layer1.1`, width, width);
    block(`${at}.layer2.0`, 2 * width, width);
    layer(`${at}.layer2.0.downsample.0`, [2 * width, width, 1, 1]);
    block(`${at}.layer2.1`, 2 * width, 2 * width);
    layer(`${at}.conv2`, [out, 2 * width, 1, 1]);
  }
  return tensors;
}

/** Shapes of the tensors of the update operator, by name. */
export function updateTensors(sizes: NetworkSizes, inner: InnerWidths = UNPRUNED): Map<string, number[]> {
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
  /** The outputs of `first` are the inputs of `second`. */
  const pair = (first: string, second: string, inputs = D) => {
    const between = inner(`update.${first}`, D);
    linear(first, between, inputs);
    linear(second, D, between);
  };
  pair('corr.0', 'corr.2', correlationLength(sizes));
  linear('corr.5', D, D);
  for (const block of ['c1', 'c2']) pair(`${block}.0`, `${block}.2`);
  for (const group of ['agg_kk', 'agg_ij']) {
    const between = inner(`update.${group}.f`, D);
    linear(`${group}.f`, between, D);
    linear(`${group}.g`, between, D);
    linear(`${group}.h`, D, between);
  }
  for (const block of ['gru.1', 'gru.3']) {
    linear(`${block}.gate.0`, D, D);
    pair(`${block}.res.0`, `${block}.res.2`);
  }
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
    advice:
      'The weights must come from a network of the DPVO shape; only its widths may differ, and layers inside a block may be narrower.',
  });
}
