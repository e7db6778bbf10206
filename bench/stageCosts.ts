// SPDX-License-Identifier: MIT
// The arithmetic that cannot be avoided, and the bytes that must at least be read and written: every input once, every output once, fp32. What stays
// in a cache between two layers is not counted, so the memory floor is a true lower bound.
import {
  contextEncoderMac,
  correlationMac,
  featureEncoderMac,
  type NetworkWork,
  type TensorShapes,
  updateMac,
} from '../src/network/networkMacs.ts';
import { encoderTensors, updateTensors } from '../src/network/weights/expectedTensors.ts';
import { correlationLength, type NetworkSizes } from '../src/network/weights/networkSizes.ts';

/** Work of a stage on one frame. */
export interface Cost {
  /** Multiply-accumulates. */
  mac: number;
  bytes: number;
}

/** What a frame is made of; all sizes of the network image in pixels. */
export interface FrameWork extends NetworkWork {
  sizes: NetworkSizes;
  recordedWidth: number;
  recordedHeight: number;
  /** Samples of the recorded image per pixel of the network image. */
  supersamples: number;
  targets: number;
  freePoses: number;
  bundleAdjustIterations: number;
}

const FLOAT = 4;
const GRID_STRIDE = 4;

/** Undistortion by bilinear samples (four products each), from the map of source positions. */
export function prepareCost(work: FrameWork): Cost {
  const samples = work.width * work.height * work.supersamples;
  const map = samples * 2 * FLOAT;
  const recorded = work.recordedWidth * work.recordedHeight * work.sizes.inputChannels;
  return { mac: 4 * samples * work.sizes.inputChannels, bytes: map + recorded + imageBytes(work) };
}

/** Of the unpruned network. */
function shapesOf({ sizes }: FrameWork): TensorShapes {
  return new Map([...encoderTensors(sizes), ...updateTensors(sizes)]);
}

/** The residual trunk that both encoders share in form: convolutions 7x7/2, 4 x 3x3, 3x3/2 with 1x1/2 shortcut, 3 x 3x3. */
function trunkWeights({ sizes: { inputChannels, width: w } }: FrameWork): number {
  return 49 * inputChannels * w + 4 * 9 * w * w + 9 * w * 2 * w + 3 * 9 * (2 * w) ** 2 + w * 2 * w;
}

export function featureEncoderCost(work: FrameWork): Cost {
  const { width: w, featureDim } = work.sizes;
  const bytes = imageBytes(work) + featureBytes(work) + FLOAT * (trunkWeights(work) + 2 * w * featureDim);
  return { mac: featureEncoderMac(shapesOf(work), work), bytes };
}

/** The last layer only at the patches. */
export function contextEncoderCost(work: FrameWork): Cost {
  const { width: w, hiddenDim } = work.sizes;
  const bytes = imageBytes(work) + FLOAT * (work.patches * hiddenDim + trunkWeights(work) + 2 * w * hiddenDim);
  return { mac: contextEncoderMac(shapesOf(work), work), bytes };
}

/** Into the ring: both levels of the feature pyramid. */
export function insertCost(work: FrameWork): Cost {
  const features = featureBytes(work);
  return { mac: features / FLOAT, bytes: 2 * features + features / 16 };
}

/** Every patch pixel against (2 r + 2)^2 cells on two levels (bilinear sampling of the products); 147,456 MAC an edge in the published network. */
export function correlationCost(work: FrameWork): Cost {
  const { featureDim, patchSize, radius, levels } = work.sizes;
  const edges = work.pairs * work.patches;
  const window = (2 * radius + 1 + patchSize) ** 2 * work.patches;
  const cellsRead = levels.reduce((sum, level) => sum + Math.min(window, gridCells(work) / level ** 2), 0);
  const read = work.targets * cellsRead * featureDim;
  return {
    mac: correlationMac(work.sizes, work),
    bytes: FLOAT * (read + edges * correlationLength(work.sizes)),
  };
}

/** Per edge 882 D + 16 D^2 + 4 D, and D^2 per group of the two soft aggregations; 2,699,520 MAC an edge in the published network. */
export function updateCost(work: FrameWork): Cost {
  const { hiddenDim: d } = work.sizes;
  const length = correlationLength(work.sizes);
  const edges = work.pairs * work.patches;
  const weights = length * d + 18 * d * d + 4 * d;
  const perEdge = length + 2 * d + 4;
  return {
    mac: updateMac(shapesOf(work), work),
    bytes: FLOAT * (edges * perEdge + work.sources * work.patches * d + weights),
  };
}

/** About 350 products per edge for the normal equations, E Q E^T over the depths, and the Cholesky factorisation, each iteration. */
export function bundleAdjustCost(work: FrameWork): Cost {
  const edges = work.pairs * work.patches;
  const unknowns = 6 * work.freePoses;
  const schur = unknowns ** 2 * work.sources * work.patches;
  return { mac: work.bundleAdjustIterations * (350 * edges + schur + unknowns ** 3 / 3), bytes: FLOAT * 6 * edges };
}

export function sumOf(...costs: readonly Cost[]): Cost {
  return costs.reduce((sum, { mac, bytes }) => ({ mac: sum.mac + mac, bytes: sum.bytes + bytes }));
}

function gridCells({ width, height }: FrameWork): number {
  return (width / GRID_STRIDE) * (height / GRID_STRIDE);
}

function imageBytes({ width, height, sizes }: FrameWork): number {
  return FLOAT * sizes.inputChannels * width * height;
}

function featureBytes(work: FrameWork): number {
  return FLOAT * work.sizes.featureDim * gridCells(work);
}
