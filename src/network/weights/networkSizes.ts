// SPDX-License-Identifier: MIT
import { QpvoError } from '../../error.ts';
import type { Weights } from './Weights.ts';

/** The widths in which models differ, and the constants of the correlation. */
export interface NetworkSizes {
  /** Channels of the network image: 1 grey, 3 blue-green-red. */
  inputChannels: 1 | 3;
  /** Channels of the encoders' first stage; the second has twice as many. */
  width: number;
  /** Channels of the matching features. */
  featureDim: number;
  /** Channels of context features and hidden state. */
  hiddenDim: number;
  /** Side of a patch in grid pixels. */
  patchSize: number;
  /** Radius of the correlation window in grid pixels. */
  radius: number;
  /** Scales of the correlation pyramid, as divisors of the grid. */
  levels: number[];
}

/** Length of the correlation vector of one edge: levels x patch pixels x window cells. */
export function correlationLength(sizes: NetworkSizes): number {
  return sizes.levels.length * sizes.patchSize ** 2 * (2 * sizes.radius + 1) ** 2;
}

const FEATURE_DIM_STEP = 16;
const MAX_FEATURE_DIM = 1024;
const MAX_HIDDEN_DIM = 4096;

/**
 * Whether the odometry has kernels for these widths (the ranges of native/addon/opsArguments.cpp).
 * @throws QPVO_MODEL naming the width for which it has none; what: the model, in words
 */
export function checkRunnable({ featureDim, hiddenDim }: Pick<NetworkSizes, 'featureDim' | 'hiddenDim'>, what: string) {
  if (featureDim % FEATURE_DIM_STEP !== 0 || featureDim > MAX_FEATURE_DIM) {
    const range = `a multiple of ${FEATURE_DIM_STEP} up to ${MAX_FEATURE_DIM}`;
    throw unrunnable(what, 'featureDim', range, featureDim, 'feature_dim');
  }
  if (hiddenDim > MAX_HIDDEN_DIM)
    throw unrunnable(what, 'hiddenDim', `at most ${MAX_HIDDEN_DIM}`, hiddenDim, 'hidden_dim');
}

function unrunnable(what: string, key: string, expected: string, received: number, trained: string): QpvoError {
  return new QpvoError('QPVO_MODEL', {
    what: `${what} has a width that cannot be run`,
    expected: `${expected} as ${key}`,
    received: `${received}`,
    advice: `Train the network with another width (sizes: ${trained} of its training configuration).`,
  });
}

/** Reads the widths off the tensors that fix them. Patch 3, radius 3 and levels 1 and 4 are constants of the method. */
export function inferSizes(weights: Weights): NetworkSizes {
  const stem = shapeOf(weights, 'patchify.fnet.conv1.weight', 4);
  return {
    inputChannels: inputChannels(stem[1]!),
    width: stem[0]!,
    featureDim: shapeOf(weights, 'patchify.fnet.conv2.weight', 4)[0]!,
    hiddenDim: shapeOf(weights, 'patchify.inet.conv2.weight', 4)[0]!,
    patchSize: 3,
    radius: 3,
    levels: [1, 4],
  };
}

function shapeOf(weights: Weights, name: string, rank: number): number[] {
  const shape = weights.get(name)?.shape;
  if (shape?.length === rank && shape.every((length) => length > 0)) return shape;
  throw new QpvoError('QPVO_MODEL', {
    what: `tensor ${name} fixes the sizes of the network`,
    expected: `${rank} dimensions`,
    received: shape === undefined ? 'no such tensor' : `shape [${shape}]`,
    advice: 'Give the state dict of a DPVO network; its tensor names begin with patchify. and update.',
  });
}

function inputChannels(found: number): 1 | 3 {
  if (found === 1 || found === 3) return found;
  throw new QpvoError('QPVO_MODEL', {
    what: 'patchify.fnet.conv1.weight is for another kind of image',
    expected: '1 (grey) or 3 (colour) input channels',
    received: `${found}`,
  });
}
