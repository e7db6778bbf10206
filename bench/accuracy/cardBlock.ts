// SPDX-License-Identifier: MIT
import { spreadText } from '../../src/compare/textTable.ts';
import { spreadOf } from '../../src/evaluation/spread.ts';
import type { SavedResult } from './AccuracyResult.ts';
import { percentOfPath } from './CaseSummary.ts';
import type { RunRecord } from './RunRecord.ts';
import { markdownOf, percentText, WEIGHTS_MARK } from './readmeBlock.ts';

/**
 * Markdown for the card of a model: a row for each sequence and stride, the runs from all starts together.
 *
 * @param checksum of the model's networks; runs of other weights do not count
 * @returns undefined when the result has no run of the model with the profile
 */
export function cardBlock(
  { runs, date }: Pick<SavedResult, 'runs' | 'date'>,
  { checksum, profile }: { checksum: string; profile: string },
): string | undefined {
  const own = runs.filter(
    (run) =>
      run.contender === 'qpvo' && run.checksum === checksum && run.profile === profile && run.limitedTo === undefined,
  );
  const newest = own.at(-1);
  if (newest === undefined) return undefined;
  const rows = [...groups(own.filter((run) => run.settings === newest.settings))].map(([sequence, group]) => [
    sequence,
    `${group.length}`,
    spreadText(spreadOf(group.map(({ errors }) => errors?.ateM))),
    percentText(spreadOf(group.map(percentOfPath)).median),
    `${percentText(Math.min(...group.map(({ withPose, images }) => (100 * withPose) / images)))} %`,
    `${group.filter(({ lost }) => lost).length}`,
  ]);
  const header = [
    'sequence, stride',
    'runs',
    'ATE, m: median (least to greatest)',
    '% of path',
    'with pose, least',
    'lost',
  ];
  const about = `weights \`${checksum.slice(0, 8)}\`, profile \`${profile}\`, ${date.slice(0, 10)}; every start in the README of the project`;
  return `Odometry by the product (${about}). ${WEIGHTS_MARK}\n\n${markdownOf(header, rows)}`;
}

function groups(runs: readonly RunRecord[]): Map<string, RunRecord[]> {
  const found = new Map<string, RunRecord[]>();
  for (const run of runs) {
    const name = `${run.sequence}, ${run.stride}`;
    found.set(name, [...(found.get(name) ?? []), run]);
  }
  return new Map([...found].sort(([a], [b]) => a.localeCompare(b)));
}
