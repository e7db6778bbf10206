// SPDX-License-Identifier: MIT
import { medianOf } from '../statistics.ts';
import { atLeast, atMost, type Judged, notJudged, plain } from '../targets.ts';
import type { CaseSummary } from './CaseSummary.ts';

/** Targets for a model trained on processors alone. */
const MH05_MEDIAN_M = 0.1;
const MH05_WORST_M = 0.3;
const MH01_MEDIAN_M = 0.015;
const TARTANAIR_PERCENT_OF_PATH = 1;
const RENDERED_PERCENT_OF_EXTENT = 2;
const STANDSTILL_PERCENT_OF_DEPTH = 1;

/** A camera that stays within this share of the depth of the scene only turns, or stands: no error can be measured against its extent. */
const IN_PLACE_SHARE_OF_DEPTH = 0.02;
/** Where the depth is not known. */
const IN_PLACE_M = 0.05;

type Numbers = Omit<CaseSummary, 'numbers'>;

/** The numbers of a case and their targets. An excerpt is not judged. */
export function judgeCase(summary: Numbers): Judged[] {
  const { ateM, lostRuns, failedRuns, consumed, withPose } = summary;
  const judged = [
    ...errorTargets(summary),
    summary.kind === 'demo' ? plain('runs lost', lostRuns, '') : atMost('runs lost', lostRuns, 0, ''),
    atMost('runs failed', failedRuns, 0, ''),
    atLeast('images consumed, least share', consumed.min, 1, ''),
    plain('images with a pose, least share', withPose.min, ''),
    plain('ATE, least', ateM.min, 'm'),
  ];
  return summary.limitedTo === undefined ? judged : judged.map(notJudged);
}

function errorTargets(summary: Numbers): Judged[] {
  const { ateM, atePercentOfPath } = summary;
  switch (summary.kind) {
    case 'mh05':
      return [
        atMost('ATE, median', ateM.median, MH05_MEDIAN_M, 'm'),
        atMost('ATE, worst', ateM.max, MH05_WORST_M, 'm'),
      ];
    case 'mh01':
      return [atMost('ATE, median', ateM.median, MH01_MEDIAN_M, 'm')];
    case 'tartanair':
      return [atMost('ATE of the path, median', atePercentOfPath.median, TARTANAIR_PERCENT_OF_PATH, '%')];
    case 'rendered':
      return renderedTargets(summary);
    case 'demo':
      return [plain('ATE, median', ateM.median, 'm')];
  }
}

function renderedTargets(summary: Numbers): Judged[] {
  const { atePercentOfExtent, standstillDriftPercent } = summary;
  const ofExtent = atMost('ATE of the extent, median', atePercentOfExtent.median, RENDERED_PERCENT_OF_EXTENT, '%');
  const drift = atMost(
    'drift in standstill of the depth, median',
    standstillDriftPercent?.median ?? Number.NaN,
    STANDSTILL_PERCENT_OF_DEPTH,
    '%',
  );
  return [
    staysInPlace(summary) ? notJudged(ofExtent) : ofExtent,
    ...(/(^|\/)standstill[^/]*$/.test(summary.sequence) ? [drift] : []),
  ];
}

/** What is judged over all rendered sequences of one runner: the median of their medians; undefined when there are none. */
export function judgeRendered(cases: readonly Numbers[]): Judged | undefined {
  const medians = cases
    .filter((entry) => entry.kind === 'rendered' && entry.limitedTo === undefined && !staysInPlace(entry))
    .map(({ atePercentOfExtent }) => atePercentOfExtent.median);
  if (medians.length === 0) return undefined;
  const what = `${medians.length} rendered sequences: ATE of the extent, median of the medians`;
  return atMost(what, medianOf(medians), RENDERED_PERCENT_OF_EXTENT, '%');
}

export function staysInPlace({ extentM, medianDepthM }: Pick<Numbers, 'extentM' | 'medianDepthM'>): boolean {
  return extentM < (medianDepthM === undefined ? IN_PLACE_M : IN_PLACE_SHARE_OF_DEPTH * medianDepthM);
}
