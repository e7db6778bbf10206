// SPDX-License-Identifier: MIT
import { type Cell, table } from '../../src/compare/textTable.ts';
import { type Judged, targetTable } from '../targets.ts';
import type { CaseSummary } from './CaseSummary.ts';
import { judgeRendered } from './caseTargets.ts';

/** For the terminal: the numbers of all cases, then what is judged. */
export function accuracyText(cases: readonly CaseSummary[]): string {
  const judged = cases.flatMap((entry) => entry.numbers.filter(({ target }) => target).map((row) => named(entry, row)));
  const together = [...byRunner(cases.filter(({ contender }) => contender === 'qpvo'))].flatMap(([runner, own]) => {
    const row = judgeRendered(own);
    return row === undefined ? [] : [{ ...row, what: `${runner}: ${row.what}` }];
  });
  return `${caseTable(cases)}\n\n${targetTable([...judged, ...together])}`;
}

/** The cases of each model and profile, under a text that names them. */
export function byRunner(cases: readonly CaseSummary[]): Map<string, CaseSummary[]> {
  const groups = new Map<string, CaseSummary[]>();
  for (const entry of cases) {
    const { model, profile, checksum } = entry;
    const runner = `model \`${model}\` (weights \`${checksum.slice(0, 8)}\`), profile \`${profile}\``;
    groups.set(runner, [...(groups.get(runner) ?? []), entry]);
  }
  return groups;
}

function caseTable(cases: readonly CaseSummary[]): string {
  const header = ['case', 'by', 'runs', 'ATE m', 'least', 'greatest', '% path', '% extent', 'RPE m', 'deg'];
  return table(
    [...header, 'with pose', 'lost', 'frames/s'],
    cases.map((entry) => [
      nameOf(entry),
      `${entry.model} ${entry.profile}`,
      `${entry.seeds.length}`,
      ...[entry.ateM.median, entry.ateM.min, entry.ateM.max].map(shown),
      shown(entry.atePercentOfPath.median),
      shown(entry.atePercentOfExtent.median),
      shown(entry.rpe?.translationM.median),
      shown(entry.rpe?.rotationDeg.median),
      shown(entry.withPose.min),
      `${entry.lostRuns}`,
      shown(entry.fps?.median),
    ]),
  );
}

function shown(value: number | undefined): Cell {
  return value === undefined || !Number.isFinite(value) ? '-' : value;
}

function named(entry: CaseSummary, row: Judged): Judged {
  return { ...row, what: `${nameOf(entry)} ${entry.model} ${entry.profile}: ${row.what}` };
}

export function nameOf({ sequence, startFrame, stride }: CaseSummary): string {
  return `${sequence}/start${startFrame}/stride${stride}`;
}
