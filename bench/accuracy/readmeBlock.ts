// SPDX-License-Identifier: MIT
import { numberText, spreadText } from '../../src/compare/textTable.ts';
import type { Judged } from '../targets.ts';
import type { SavedResult } from './AccuracyResult.ts';
import { byRunner, nameOf } from './accuracyTable.ts';
import { type CaseSummary, summarizeRuns } from './CaseSummary.ts';
import { judgeRendered } from './caseTargets.ts';

/** A run with poses at fewer of its images has been judged on a part of its way. */
const WHOLE_SHARE = 0.9;

/** What modelChecksum digests: no checksum of the manifest is equal to it. */
export const WEIGHTS_MARK =
  'The mark of the weights is a digest of the sizes in manifest.json and of the checksums there of all files that the profile reads; it is not the checksum of one file.';

/** Markdown made from a result alone: a table for each model and profile, the floor beside it. */
export function readmeBlock(result: SavedResult): string {
  const cases = summarizeRuns(result.runs).filter(({ limitedTo }) => limitedTo === undefined);
  const floor = cases.filter(({ contender }) => contender === 'floor');
  const products = byRunner(cases.filter(({ contender }) => contender === 'qpvo'));
  if (products.size === 0) return 'Nothing measured yet: `npm run bench -- accuracy`.';
  const tables = [...products].map(([runner, own]) => productText(runner, own, floor));
  const gaps = result.missing > 0 ? ` The bench was interrupted: ${result.missing} runs are missing.` : '';
  return `${provenance(result)}${gaps}\n\n${tables.join('\n\n')}\n\n${legend(cases, floor)}`;
}

function productText(runner: string, cases: readonly CaseSummary[], floor: readonly CaseSummary[]): string {
  const together = judgeRendered(cases);
  const line =
    together && `\n\nOver the ${together.what}: ${percentText(together.measured)} %, ${verdictText([together])}.`;
  return `${runner[0]!.toUpperCase()}${runner.slice(1)}:\n\n${markdownTable(cases, floor)}${line ?? ''}`;
}

function provenance({ date, host, runs }: SavedResult): string {
  const commits = [...new Set(runs.map(({ commit }) => `\`${shortCommit(commit)}\``))].join(', ');
  const machine = `${host.cores} cores of ${host.cpu}, ${Math.round(host.memoryMb / 1024)} GB, Node ${host.node.replace('v', '')}`;
  return `Made by \`npm run bench -- accuracy\` on ${date.slice(0, 10)} at commit ${commits}; ${machine}.`;
}

function shortCommit(commit: string): string {
  return /^[0-9a-f]{40}/.test(commit) ? commit.slice(0, 7) + commit.slice(40) : commit;
}

function markdownTable(cases: readonly CaseSummary[], floor: readonly CaseSummary[]): string {
  const withExtent = cases.some(({ kind }) => kind === 'rendered');
  const withStandstill = cases.some(({ standstillDriftPercent }) => standstillDriftPercent !== undefined);
  const header = [
    'sequence',
    'from image',
    'stride',
    'runs',
    'with pose',
    'ATE, m',
    '% of path',
    ...(withExtent ? ['% of extent'] : []),
    ...(withStandstill ? ['standstill drift, % of depth'] : []),
    'RPE over 1 s',
    'lost',
    'frames/s',
    'targets',
    ...(floor.length > 0 ? ['floor: ATE, m'] : []),
  ];
  const rows = cases.map((entry) => [
    entry.sequence,
    `${entry.startFrame}`,
    `${entry.stride}`,
    `${entry.seeds.length}`,
    `${percentText(100 * entry.withPose.min)} %`,
    spreadText(entry.ateM),
    percentText(entry.atePercentOfPath.median),
    ...(withExtent ? [percentText(entry.atePercentOfExtent.median)] : []),
    ...(withStandstill ? [entry.standstillDriftPercent ? percentText(entry.standstillDriftPercent.median) : ''] : []),
    rpeText(entry),
    `${entry.lostRuns}`,
    entry.fps === undefined ? 'not measured' : numberText(entry.fps.median),
    `${verdictText(entry.numbers)}${coverageText(entry)}`,
    ...(floor.length > 0 ? [floorText(floor.find((other) => nameOf(other) === nameOf(entry)))] : []),
  ]);
  return markdownOf(header, rows);
}

/** A table in Markdown. */
export function markdownOf(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [header, header.map(() => '---'), ...rows];
  return lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

export function percentText(value: number): string {
  return Number.isFinite(value) ? numberText(value) : '-';
}

function rpeText({ rpe }: CaseSummary): string {
  if (rpe === undefined) return '-';
  return `${percentText(rpe.translationM.median)} m, ${percentText(rpe.rotationDeg.median)}°`;
}

/** What was missed, with the target; "met" when nothing was. */
export function verdictText(numbers: readonly Judged[]): string {
  const missed = numbers.filter(({ verdict }) => verdict === 'MISSED');
  if (missed.length > 0) {
    const texts = missed.map(({ what, target, unit }) => {
      const wanted = `${target!.bound} ${numberText(target!.value)}${unit === '' ? '' : ` ${unit}`}`;
      return `${what} (wanted: ${wanted})`;
    });
    return `**missed**: ${texts.join('; ')}`;
  }
  return numbers.some(({ verdict }) => verdict === 'met') ? 'met' : '';
}

/** A verdict over a part of the images says so: the rest of the way was not judged. */
function coverageText({ withPose: { min } }: CaseSummary): string {
  return min < WHOLE_SHARE ? `, on ${percentText(100 * min)} % of the images` : '';
}

function floorText(floor: CaseSummary | undefined): string {
  if (floor === undefined) return '';
  return `${spreadText(floor.ateM)}${floor.lostRuns > 0 ? `, ${floor.lostRuns} of ${floor.seeds.length} lost` : ''}`;
}

function legend(cases: readonly CaseSummary[], floor: readonly CaseSummary[]): string {
  const withRendered = cases.some(({ kind }) => kind === 'rendered');
  return [
    'ATE: root mean square after Sim(3) alignment of the whole trajectory with the ground truth at the camera; median (least to greatest) over the runs, one run a seed.',
    'RPE: root mean square over all steps of one second, median over the runs. With pose: least share of the images over the runs.',
    'Frames/s: median over the runs that had the machine for themselves, decoding included. Lost: runs with more than one segment, with the state LOST at any time, or without a pose.',
    WEIGHTS_MARK,
    ...(withRendered
      ? ['Extent: diagonal of the box, along the axes of the ground truth, round the positions of the camera.']
      : ['Rendered sequences were not there when this was made.']),
    ...(floor.length > 0
      ? [
          `Floor: KLT tracks, essential matrix and PnP without bundle adjustment (${floor[0]!.model}, full resolution), [bench/floor](bench/floor/klt_vo.py).`,
        ]
      : []),
  ].join('\n');
}
