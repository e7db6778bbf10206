// SPDX-License-Identifier: MIT
import type { Precision } from '../../config/Profile.ts';
import { QpvoError } from '../../error.ts';
import type { CpuTensor } from '../../native/addon.ts';
import { correlationColumns } from '../onnx/correlationColumns.ts';
import { correlationLength, type NetworkSizes } from '../weights/networkSizes.ts';
import type { RuntimeTensors } from '../weights/RuntimeTensors.ts';

// The tensors of each network as the addon takes them, on the CPU and on a GPU.

const FIRST_LAYER = 'update.corr.0.weight';

/**
 * The tensors of both encoders.
 * @throws QPVO_MODEL when they are not of the precision, or not of the sizes by which callers measure their buffers
 */
export function encoderTensors(
  weights: RuntimeTensors,
  sizes: NetworkSizes,
  precision: Precision,
): Record<string, CpuTensor> {
  const tensors = tensorsUnder('patchify.', weights);
  checkWidths(tensors, sizes);
  checkPrecision(tensors, 'encoders', precision);
  return tensors;
}

/**
 * The tensors of the update operator; the first layer takes the correlation in the order in which our ops write it.
 * @throws QPVO_MODEL when they are not of the precision
 */
export function updateTensors(
  weights: RuntimeTensors,
  sizes: NetworkSizes,
  precision: Precision,
): Record<string, CpuTensor> {
  const tensors = tensorsUnder('update.', weights);
  const first = tensors[FIRST_LAYER];
  if (first !== undefined && first.shape[1] === correlationLength(sizes))
    tensors[FIRST_LAYER] = withColumns(first, correlationColumns(sizes));
  checkPrecision(tensors, 'an update operator', precision);
  return tensors;
}

function tensorsUnder(prefix: string, weights: RuntimeTensors): Record<string, CpuTensor> {
  return Object.fromEntries([...weights].filter(([name]) => name.startsWith(prefix)));
}

/** In int8 there must be layers in int8, else there must be none. */
function checkPrecision(tensors: Record<string, CpuTensor>, network: string, precision: Precision): void {
  const quantized = Object.values(tensors).filter(({ data }) => data instanceof Int8Array).length;
  if ((precision === 'int8') === quantized > 0) return;
  throw new QpvoError('QPVO_MODEL', {
    what: `these weights are not for ${network} in ${precision}`,
    expected: precision === 'int8' ? 'layers in int8' : 'all layers in fp32',
    received: `${quantized} layers in int8`,
    advice: 'Give the weights part of the manifest that belongs to the precision.',
  });
}

/** The widths by which callers measure their buffers. */
function checkWidths(tensors: Record<string, CpuTensor>, sizes: NetworkSizes): void {
  const widths: [string, number, number][] = [
    ['patchify.fnet.conv1.weight', 1, sizes.inputChannels],
    ['patchify.fnet.conv2.weight', 0, sizes.featureDim],
    ['patchify.inet.conv2.weight', 0, sizes.hiddenDim],
  ];
  for (const [name, dimension, expected] of widths) {
    const received = tensors[name]?.shape[dimension];
    if (received === expected) continue;
    throw new QpvoError('QPVO_MODEL', {
      what: `tensor ${name} does not fit the sizes of the model`,
      expected: `${expected} in dimension ${dimension}`,
      received: received === undefined ? 'no such tensor' : `${received}`,
    });
  }
}

/** Column i of the result is column `columns[i]` of the matrix. */
function withColumns({ shape, data }: CpuTensor, columns: Int32Array): CpuTensor {
  const picked = data.slice();
  for (let row = 0; row < picked.length; row += columns.length)
    columns.forEach((column, i) => {
      picked[row + i] = data[row + column]!;
    });
  return { shape, data: picked };
}
