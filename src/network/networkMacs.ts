// SPDX-License-Identifier: MIT
// The arithmetic of one frame, counted from the shapes of the weights: inner widths of a pruned network are those of its tensors.

import type { NetworkSizes } from './weights/networkSizes.ts';
import { elementCount } from './weights/Weights.ts';

/** Shapes of the tensors of both networks, by name. */
export type TensorShapes = ReadonlyMap<string, readonly number[]>;

/** What a network works on in one frame. */
export interface NetworkWork {
  /** Of the network image, pixels. */
  width: number;
  height: number;
  /** Patches per frame. */
  patches: number;
  /** (source, target) frame pairs; edges = pairs x patches. */
  pairs: number;
  /** Source frames of the pairs. */
  sources: number;
}

/** Multiply-accumulates of the convolutions of the feature encoder. */
export function featureEncoderMac(shapes: TensorShapes, work: NetworkWork): number {
  return encoderMac('fnet', shapes, work, (work.width / 4) * (work.height / 4));
}

/** The same for the context encoder, whose last layer is only computed at the patches. */
export function contextEncoderMac(shapes: TensorShapes, work: NetworkWork): number {
  return encoderMac('inet', shapes, work, work.patches);
}

/** Stem and first stage at half of the image size, second stage at a quarter. */
function encoderMac(net: string, shapes: TensorShapes, { width, height }: NetworkWork, lastPositions: number): number {
  const half = (width / 2) * (height / 2);
  let mac = 0;
  for (const [name, shape] of shapes) {
    const layer = /^patchify\.(\w+)\.(.*)\.weight$/.exec(name);
    if (layer?.[1] !== net) continue;
    const positions = layer[2] === 'conv2' ? lastPositions : layer[2]!.startsWith('layer2') ? half / 4 : half;
    mac += elementCount(shape) * positions;
  }
  return mac;
}

/** The linear layers of the update operator: each on every edge, the last ones of the soft aggregations on every group. */
export function updateMac(shapes: TensorShapes, { pairs, patches, sources }: NetworkWork): number {
  const rows: Record<string, number> = { 'agg_kk.h': sources * patches, 'agg_ij.h': pairs };
  let mac = 0;
  for (const [name, shape] of shapes) {
    const layer = /^update\.(.*)\.weight$/.exec(name)?.[1];
    if (layer !== undefined && shape.length === 2) mac += elementCount(shape) * (rows[layer] ?? pairs * patches);
  }
  return mac;
}

/** Every patch pixel against (2 r + 2)^2 cells on each level (bilinear sampling of the products). */
export function correlationMac({ levels, patchSize, radius, featureDim }: NetworkSizes, work: NetworkWork): number {
  return work.pairs * work.patches * levels.length * patchSize ** 2 * (2 * radius + 2) ** 2 * featureDim;
}
