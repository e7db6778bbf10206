// SPDX-License-Identifier: MIT
import type { FrameDevice } from './FrameDevice.ts';
import type { Pose } from './Pose.ts';
import { transform } from './se3.ts';
import type { MapPoint } from './types.ts';

/** Points whose depth is less certain than this share of itself (one standard deviation of the bundle adjustment's own estimate) stay out of the map. */
const MAX_RELATIVE_SIGMA = 0.25;

/** The patches of a slot as points of the world, with the colour of their centre; far and uncertain ones left out. */
export function mapPoints(
  device: Pick<FrameDevice, 'buffers' | 'pointCloud'>,
  slot: number,
  patches: number,
  T_world_segment: Pose,
  segment: number,
): MapPoint[] {
  const { inverseDepth, depthVariance, colors, patchStride } = device.buffers;
  const xyz = device.pointCloud(slot);
  const points: MapPoint[] = [];
  for (let k = 0; k < patches; k++) {
    const d = inverseDepth[slot * patchStride + k]!;
    const sigma = Math.sqrt(depthVariance[slot * patchStride + k]!);
    if (!(sigma < MAX_RELATIVE_SIGMA * d)) continue;
    const [x, y, z] = transform(T_world_segment, [xyz[3 * k]!, xyz[3 * k + 1]!, xyz[3 * k + 2]!]);
    const c = (slot * patches + k) * 3;
    points.push({ x, y, z, r: colors[c]!, g: colors[c + 1]!, b: colors[c + 2]!, segment });
  }
  return points;
}
