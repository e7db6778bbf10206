// SPDX-License-Identifier: MIT
import type { OdometryParameters } from '../config/parameters.ts';
import { maxSources } from '../odometry/windows.ts';
import type { EngineShape } from './engineGraphs.ts';

/** The lengths that the engines of a run have: of its network image and its windows. A source reaches r - 1 frames back and as many forward, and itself. */
export function engineShape(
  image: { width: number; height: number },
  parameters: Pick<
    OdometryParameters,
    'patchesPerFrame' | 'removalWindow' | 'patchLifetime' | 'optimizationWindow' | 'keyframeIndex'
  >,
): EngineShape {
  return {
    width: image.width,
    height: image.height,
    patches: parameters.patchesPerFrame,
    sources: maxSources(parameters),
    targets: 2 * parameters.patchLifetime - 1,
  };
}
