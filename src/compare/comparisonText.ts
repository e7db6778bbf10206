// SPDX-License-Identifier: MIT
import type { Spread } from '../evaluation/spread.ts';
import { STAGES } from '../outputs/report/stageNames.ts';
import type { Comparison, ProfileResult, SequenceResult } from './Comparison.ts';
import { MEASURE_NAMES, measureTitle } from './measures.ts';
import { counted, numberText, ratioText, spreadText, table } from './textTable.ts';

/** For the terminal: a table for each sequence, measures down, profiles across, and what is judged. */
export function comparisonText(comparison: Comparison): string {
  const { made, planned, seeds, jobs } = comparison;
  const head = [
    ...(made < planned ? [`Ended early: ${made} of ${planned} runs were made.`] : []),
    `Medians of ${counted(seeds, 'seed')} (least to greatest), ratio to the first profile.`,
    ...(jobs > 1 ? [`${jobs} runs shared the machine: times are not compared.`] : []),
  ];
  return [head.join('\n'), ...comparison.sequences.map(sequenceText)].join('\n\n');
}

function sequenceText(sequence: SequenceResult): string {
  const { name, profiles } = sequence;
  if (profiles.length === 0) return `${name}\nno run was made`;
  const failures = profiles.flatMap(({ profile, failures, runs }) =>
    failures.length === 0 ? [] : [`${profile}: ${failures.length} of ${runs} runs FAILED: ${failures[0]}`],
  );
  const verdicts = profiles.flatMap(({ verdict }) =>
    verdict === undefined ? [] : [`${verdict.verdict}: ${verdict.text}`],
  );
  const rows = comparisonRows(sequence).map(({ title, cells }) => [title, ...cells]);
  return [table([name, ...profiles.map(({ profile }) => profile)], rows), ...failures, ...verdicts].join('\n');
}

/** The rows of a table of one sequence: a cell for each profile. Measures that no profile has are left out. */
export function comparisonRows({ profiles, errorUnit }: SequenceResult): { title: string; cells: string[] }[] {
  const measures = MEASURE_NAMES.map((name) => ({
    title: measureTitle(name, errorUnit),
    cells: profiles.map((result) => cellOf(result.measures[name], result.ratios[name])),
  }));
  const stages = STAGES.map(([stage, title]) => ({
    title: `${title}, ms`,
    cells: profiles.map(({ stagesMs }) => (stagesMs[stage] === undefined ? '' : numberText(stagesMs[stage]))),
  }));
  return [...measures, { title: 'runs', cells: profiles.map(runsText) }, ...stages].filter(({ cells }) =>
    cells.some((cell) => cell !== ''),
  );
}

/** "0.101 (0.0959 to 0.110), 0.95 x" */
function cellOf(spread: Spread | undefined, ratio: number | undefined): string {
  if (spread === undefined) return '';
  return `${spreadText(spread)}${ratio === undefined ? '' : `, ${ratioText(ratio)}`}`;
}

function runsText({ runs, failures }: ProfileResult): string {
  return failures.length === 0 ? `${runs}` : `${runs}, ${failures.length} failed`;
}
