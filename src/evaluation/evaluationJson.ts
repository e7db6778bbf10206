// SPDX-License-Identifier: MIT
import type { Evaluation, PartEvaluation } from './evaluateTrajectory.ts';

/** The evaluation as plain JSON data: stamps are strings of nanoseconds. Errors pose by pose come along when asked for. */
export function evaluationJson(evaluation: Evaluation, options: { perPose?: boolean } = {}): object {
  return {
    association: evaluation.association,
    overall: partJson(evaluation.overall, options.perPose ?? false),
    segments: evaluation.segments.map((entry) =>
      'part' in entry
        ? { segment: entry.segment, ...partJson(entry.part, false) }
        : { segment: entry.segment, pairs: entry.pairs, failure: entry.failure },
    ),
  };
}

function partJson(part: PartEvaluation, perPose: boolean): object {
  const { alignment, ate, scaleDrift } = part;
  return {
    pairs: part.pairs,
    pathM: part.pathM,
    alignment,
    ate: {
      translationM: ate.translationM,
      ...(ate.rotationDeg && { rotationDeg: ate.rotationDeg }),
      ...(perPose && { perPose: ate.perPose.map(({ stampNs, errorM }) => ({ stampNs: String(stampNs), errorM })) }),
    },
    rpe: part.rpe,
    ...(scaleDrift && {
      scaleDrift: {
        ...scaleDrift,
        windows: scaleDrift.windows.map((window) => ({
          firstStampNs: String(window.firstStampNs),
          lastStampNs: String(window.lastStampNs),
          ratio: window.ratio,
        })),
      },
    }),
  };
}
