// SPDX-License-Identifier: MIT
import { spreadOf } from '../../evaluation/spread.ts';
import type { RunSummary } from '../../outputs/RunSummary.ts';
import { htmlDocument, machineText, note, section } from '../../outputs/report/document.ts';
import { number, spare, table, text } from '../../outputs/report/htmlTable.ts';
import { element, escapeText } from '../../outputs/report/svg.ts';
import type { Comparison } from '../Comparison.ts';
import { MEASURES, type MeasureName } from '../measures.ts';
import { counted, numberText, ratioText, spreadText } from '../textTable.ts';
import { sequenceSection } from './sequenceSection.ts';
import { COMPARISON_STYLE } from './style.ts';
import type { SequenceTracks } from './tracks.ts';

/** Where and when a comparison was made. */
export interface ComparisonContext {
  date: string;
  version: string;
  host: RunSummary['host'];
}

/** The comparison as one HTML document that loads nothing. @param tracks one for each sequence */
export function comparisonPage(
  comparison: Comparison,
  tracks: readonly SequenceTracks[],
  context: ComparisonContext,
): string {
  const names = comparison.profiles.map(({ name }) => name);
  const body = [
    header(comparison, context),
    '<main>',
    warnings(comparison),
    ...names.slice(1).map((name) => againstFirst(name, comparison)),
    comparison.sequences.length > 1 ? overview(comparison) : '',
    ...comparison.sequences.map((sequence, index) => sequenceSection(sequence, tracks[index]!, names)),
    profileSection(comparison),
    element('footer', {}, escapeText(`qpvo ${context.version}, ${machineText(context.host)}`)),
    '</main>',
  ];
  return htmlDocument(`${names.join(', ')} \u2013 comparison`, body.join('\n'), COMPARISON_STYLE);
}

function header({ profiles, sequences, seeds }: Comparison, { date, host }: ComparisonContext): string {
  const facts: [string, string][] = [
    ['sequences', sequences.map(({ name }) => name).join(', ')],
    ['seeds', String(seeds)],
    ['made', `${date.replace('T', ' ').slice(0, 16)} UTC`],
    ['machine', machineText(host)],
  ];
  const list = facts.map(([name, value]) =>
    element('div', {}, element('dt', {}, name), element('dd', {}, escapeText(value))),
  );
  return element(
    'header',
    { class: 'top' },
    element('p', { class: 'over' }, 'Visual odometry: profiles compared'),
    element('h1', {}, escapeText(profiles.map(({ name }) => name).join(' \u00b7 '))),
    element('dl', { class: 'facts' }, ...list),
  );
}

function warnings({ made, planned, jobs, sequences }: Comparison): string {
  const failed = sequences.flatMap(({ runs }) => runs.filter(({ failure }) => failure !== undefined)).length;
  const texts = [
    ...(made < planned ? [`${made} of ${planned} runs were made so far; the numbers are of those.`] : []),
    ...(failed > 0 ? [`${counted(failed, 'run')} failed: see at the sequences.`] : []),
    ...(jobs > 1 ? [`${jobs} runs shared the machine: times were not compared.`] : []),
  ];
  return texts.map((told) => element('p', { class: 'warning', role: 'note' }, escapeText(told))).join('');
}

const TILES: readonly [MeasureName, string][] = [
  ['error', 'Error'],
  ['fps', 'Frames per s'],
  ['latencyP99Ms', 'Latency p99'],
  ['peakMemoryMb', 'Peak memory'],
  ['modelKb', 'Model files'],
  ['gmacPerFrame', 'Arithmetic'],
];

/** One profile against the first, over all sequences. */
function againstFirst(profile: string, { profiles, sequences }: Comparison): string {
  const results = sequences.flatMap((sequence) => sequence.profiles.filter((result) => result.profile === profile));
  const judged = results.flatMap(({ verdict }) => (verdict && verdict.verdict !== 'not judged' ? [verdict] : []));
  const within = judged.filter(({ verdict }) => verdict === 'within').length;
  const ratios = TILES.flatMap(([name, title]): [string, string, string][] => {
    const values = results.flatMap(({ ratios }) => ratios[name] ?? []);
    if (values.length === 0) return [];
    const spread = spreadOf(values);
    const [from, to] = [numberText(spread.min), numberText(spread.max)];
    const range =
      values.length === 1 ? valuesText(name, profile, sequences) : from === to ? 'on each' : `${from} to ${to}`;
    return [[title, ratioText(spread.median), range]];
  });
  const entries: [string, string, string][] =
    judged.length === 0 ? ratios : [['Within the limit', `${within} of ${judged.length}`, 'sequences'], ...ratios];
  if (entries.length === 0) return '';
  const tiles = entries.map(([name, value, detail]) =>
    element(
      'div',
      { class: 'tile' },
      element('dt', {}, escapeText(name)),
      element('dd', {}, element('b', {}, escapeText(value)), element('span', {}, escapeText(detail))),
    ),
  );
  return (
    element('h3', { class: 'against' }, escapeText(`${profile} against ${profiles[0]!.name}`)) +
    element('dl', { class: 'tiles' }, ...tiles)
  );
}

/** "7.2 to 10.8": the medians of the first profile and of this one, on the only sequence. */
function valuesText(name: MeasureName, profile: string, sequences: Comparison['sequences']): string {
  const [first, own] = [sequences[0]!.profiles[0], sequences[0]!.profiles.find((result) => result.profile === profile)];
  const [from, to] = [first?.measures[name]?.median, own?.measures[name]?.median];
  if (from === undefined || to === undefined) return '';
  const unit = name === 'error' ? sequences[0]!.errorUnit : MEASURES[name].unit;
  return `${numberText(from)} \u2192 ${numberText(to)} ${unit}`.trim();
}

/** A row for each sequence and profile. */
function overview({ sequences }: Comparison): string {
  const rows = sequences.flatMap(({ name, errorUnit, profiles }) =>
    profiles.map(({ profile, measures, ratios, verdict }, index) => [
      index === 0 ? name : '',
      profile,
      measures.error === undefined ? '\u2013' : `${spreadText(measures.error)} ${errorUnit}`,
      ratios.error === undefined ? '' : ratioText(ratios.error),
      measures.trackedPercent === undefined ? '\u2013' : numberText(measures.trackedPercent.median),
      measures.fps === undefined ? '\u2013' : numberText(measures.fps.median),
      ratios.fps === undefined ? '' : ratioText(ratios.fps),
      verdict?.verdict ?? '',
    ]),
  );
  const columns = [
    text('sequence'),
    text('profile'),
    number('error'),
    number('ratio'),
    spare('tracked %'),
    spare('frames/s'),
    number('ratio'),
    text('verdict'),
  ];
  return section('All sequences', table(columns, rows, Number.POSITIVE_INFINITY));
}

function profileSection({ profiles }: Comparison): string {
  const rows = profiles.map(({ name, device, runtime, precision, model, description }) => [
    name,
    device,
    model,
    `${runtime.encoder}, ${precision.encoder}`,
    `${runtime.update}, ${precision.update}`,
    description,
  ]);
  const columns = ['profile', 'device', 'model', 'encoders', 'update operator', ''].map(text);
  return section('Profiles', table(columns, rows), note(LIMIT_TEXT));
}

const LIMIT_TEXT =
  'Numbers are medians over the seeds (least to greatest). A median error is within the limit when it is not greater than the greatest error of the first profile\u2019s seeds, or than its median + 5 %, whichever is larger, and the profile tracks at most 1 percentage point less of the frames than the least of those seeds.';
