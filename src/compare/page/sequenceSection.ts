// SPDX-License-Identifier: MIT
import { note, section } from '../../outputs/report/document.ts';
import { FULL_PX, HALF_PX, legend } from '../../outputs/report/figures.ts';
import { number, table, text } from '../../outputs/report/htmlTable.ts';
import { linePlot } from '../../outputs/report/linePlot.ts';
import { element, escapeText, forBothWidths } from '../../outputs/report/svg.ts';
import { trajectoryPlot } from '../../outputs/report/trajectoryPlot.ts';
import type { ProfileResult, SequenceResult } from '../Comparison.ts';
import { comparisonRows } from '../comparisonText.ts';
import { type MeasureName, measureTitle } from '../measures.ts';
import { type DotPlot, dotPlot } from './dotPlot.ts';
import { stagePlot, stagesPresent } from './stagePlot.ts';
import { profileClass, type SequenceTracks } from './tracks.ts';

/** Measures with a dot for each run. */
const DOTTED: readonly MeasureName[] = ['error', 'fps', 'latencyP99Ms', 'peakMemoryMb'];

/** Colour class of each profile, by its place among those compared. */
export type ClassOf = (profile: string) => string;

/** Everything about one sequence. */
export function sequenceSection(result: SequenceResult, tracks: SequenceTracks, profiles: readonly string[]): string {
  const classOf: ClassOf = (profile) => profileClass(profiles.indexOf(profile));
  if (result.profiles.length === 0) return section(result.name, note('No run was made.'));
  return section(
    result.name,
    verdicts(result),
    trajectories(tracks, result, classOf),
    element('div', { class: 'pair gap' }, ...DOTTED.map((name) => dots(name, result, classOf))),
    stages(result),
    element('h3', { class: 'gap' }, 'All numbers'),
    numbers(result),
  );
}

function verdicts({ profiles }: SequenceResult): string {
  const failed = profiles.flatMap(({ profile, failures, runs }) =>
    failures.length === 0
      ? []
      : [verdictItem('failed', `${profile}: ${failures.length} of ${runs} runs. ${failures[0]}`)],
  );
  const judged = profiles.flatMap(({ verdict }) => (verdict ? [verdictItem(verdict.verdict, verdict.text)] : []));
  return failed.length + judged.length === 0 ? '' : element('ul', { class: 'verdicts' }, ...failed, ...judged);
}

function verdictItem(verdict: string, told: string): string {
  const badge = element('b', {}, verdict);
  return element(
    'li',
    { class: verdict.toLowerCase().replace(' ', '-') },
    badge,
    element('span', {}, escapeText(told)),
  );
}

/** Top and side view and the error over time, of the run with the median error of each profile. */
function trajectories(seen: SequenceTracks, { errorUnit }: SequenceResult, classOf: ClassOf): string {
  const { tracks, reference, unit, views, durationS } = seen;
  const lineClass = (profile: string): string => `${classOf(profile)}${profile === tracks[0]!.profile ? ' first' : ''}`;
  if (tracks.length === 0) return note('No trajectory that could be drawn.');
  const lines = [
    ...(reference.length > 0 ? [{ className: 'truth', positions: reference }] : []),
    ...tracks.flatMap(({ profile, parts }) => parts.map((part) => ({ className: lineClass(profile), ...part }))),
  ];
  const first = tracks[0]!.parts;
  const start = reference[0] ?? first[0]!.positions[0];
  const end = reference.at(-1) ?? first.at(-1)!.positions.at(-1);
  const figures = views.map((view) =>
    element(
      'figure',
      {},
      element('figcaption', {}, view.title),
      forBothWidths((width) => trajectoryPlot({ view, width, unit, lines, points: [], start, end }), HALF_PX),
    ),
  );
  const truth: [string, string][] = reference.length > 0 ? [['truth', 'ground truth']] : [];
  const keys = tracks.map(({ profile, seed }): [string, string] => [classOf(profile), `${profile}, seed ${seed}`]);
  const yLabel = errorUnit === 'm' ? 'position error' : 'distance to the first profile';
  const series = tracks.map(({ profile, error }) => ({ name: profile, className: classOf(profile), ...error }));
  const plot = {
    label: `${yLabel} over time`,
    yLabel,
    yUnit: errorUnit,
    hoverUnit: ` ${errorUnit}`,
    series,
    bands: [],
  };
  return [
    legend([...truth, ...keys]),
    element('div', { class: 'pair' }, ...figures),
    note(alignmentText(errorUnit)),
    element('h3', { class: 'gap' }, capitalised(plot.label)),
    forBothWidths((width) => linePlot({ ...plot, width, height: 190, durationS }), FULL_PX),
  ].join('');
}

function capitalised(text: string): string {
  return text[0]!.toUpperCase() + text.slice(1);
}

function alignmentText(errorUnit: SequenceResult['errorUnit']): string {
  const chosen = 'Drawn is the run with the median error of each profile';
  return errorUnit === 'm'
    ? `${chosen}, each segment moved onto the ground truth by its best similarity (rotation, translation, scale); errors have one similarity for all segments.`
    : `${chosen}, moved onto that of the first profile by the best similarity; lengths are in units of that trajectory. The recording has no ground truth: differences tell profiles apart, not which one is right.`;
}

function dots(name: MeasureName, { profiles, runs, errorUnit }: SequenceResult, classOf: ClassOf): string {
  const title = measureTitle(name, errorUnit);
  const rows = profiles.map(({ profile, measures }) => ({
    name: profile,
    className: classOf(profile),
    median: measures[name]?.median ?? Number.NaN,
    dots: runs.flatMap(({ profile: by, seed, values }) => {
      const value = values[name];
      if (by !== profile || value === undefined || !Number.isFinite(value)) return [];
      return [{ value, text: `${profile}, seed ${seed}: ${value.toPrecision(3)} ${unitOf(title)}`.trim() }];
    }),
  }));
  if (rows.every((row) => row.dots.length === 0)) return '';
  const band = name === 'error' ? allowedBand(profiles) : undefined;
  const plot: Omit<DotPlot, 'width'> = { label: `${title} of each run`, rows, axis: title, ...(band && { band }) };
  return element(
    'figure',
    {},
    element('figcaption', {}, escapeText(`${title}, each seed${band ? ' (shaded: where a median may lie)' : ''}`)),
    forBothWidths((width) => dotPlot({ ...plot, width }), HALF_PX),
  );
}

function unitOf(title: string): string {
  return title.includes(', ') ? title.slice(title.lastIndexOf(', ') + 2) : title;
}

/** Up to what the first profile allows the others. */
function allowedBand(profiles: readonly ProfileResult[]): DotPlot['band'] {
  const limit = profiles.find(({ verdict }) => verdict?.limit !== undefined)?.verdict?.limit;
  return limit === undefined ? undefined : { from: 0, to: limit, title: `allowed: up to ${limit.toPrecision(3)}` };
}

function stages({ profiles }: SequenceResult): string {
  const present = stagesPresent(profiles);
  if (present.length === 0) return '';
  return [
    element('h3', { class: 'gap' }, 'Median time of a frame by stage'),
    legend(present.map(([stage, name]) => [stage, name])),
    forBothWidths((width) => stagePlot(profiles, width), FULL_PX),
  ].join('');
}

function numbers(result: SequenceResult): string {
  const columns = [text(''), ...result.profiles.map(({ profile }) => number(profile))];
  return table(
    columns,
    comparisonRows(result).map(({ title, cells }) => [title, ...cells]),
  );
}
