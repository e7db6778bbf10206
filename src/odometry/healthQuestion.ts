// SPDX-License-Identifier: MIT
import type { OdometryParameters } from '../config/parameters.ts';
import type { HealthQuestion } from './FrameDevice.ts';
import { SOLVER } from './solver.ts';

export interface HealthSettings {
  parameters: Pick<OdometryParameters, 'inlierThresholdPx' | 'minConfidence'>;
  /** Grid px per pixel of the parameters. */
  gridPerParameterPx: number;
}

/** The question about the first `pairCount` pairs whose flag is not 0, with the thresholds of the parameters. */
export function healthQuestion(
  pairCount: number,
  flags: Uint8Array,
  { parameters, gridPerParameterPx }: HealthSettings,
): HealthQuestion {
  const { inlierThresholdPx, minConfidence } = parameters;
  return {
    pairCount,
    flags,
    inlierThreshold: inlierThresholdPx * gridPerParameterPx,
    minConfidence,
    margin: SOLVER.margin,
  };
}
