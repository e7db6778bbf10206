// SPDX-License-Identifier: MIT
import type { TrackResult } from '../odometry/types.ts';

/** JSON schema of the status channel. */
export const STATUS_SCHEMA = {
  title: 'qpvo.Status',
  type: 'object',
  properties: {
    stampNs: { type: 'string', description: 'Time of the image, nanoseconds' },
    sequence: { type: 'integer' },
    state: { type: 'string', enum: ['INITIALIZING', 'TRACKING', 'DEGRADED', 'LOST'] },
    skipped: { type: 'boolean' },
    reason: { type: 'string' },
    segment: { type: 'integer' },
    isKeyframe: { type: 'boolean' },
    latencyMs: { type: 'number' },
    health: {
      type: 'object',
      properties: {
        medianConfidence: { type: 'number' },
        residualPx: { type: 'number' },
        inlierShare: { type: 'number' },
      },
    },
    init: {
      type: 'object',
      properties: {
        acceptedFrames: { type: 'integer' },
        neededFrames: { type: 'integer' },
        medianFlowPx: { type: 'number' },
        neededFlowPx: { type: 'number' },
        waitingFor: { type: 'string' },
      },
    },
    stagesMs: { type: 'object', additionalProperties: { type: 'number' } },
  },
} as const;

/** One message of the status channel. */
export function statusJson(result: TrackResult): string {
  const { stampNs, sequence, state, skipped, reason, segment, isKeyframe, latencyMs, health, init, stagesMs } = result;
  return JSON.stringify({
    stampNs: String(stampNs),
    sequence,
    state,
    skipped,
    reason,
    segment,
    isKeyframe,
    latencyMs,
    health,
    init,
    stagesMs,
  });
}
