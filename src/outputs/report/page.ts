// SPDX-License-Identifier: MIT
import { formatAlignment } from '../../evaluation/formatEvaluation.ts';
import type { RunSummary } from '../RunSummary.ts';
import { htmlDocument, machineText, note, section } from './document.ts';
import {
  errorFigure,
  evidenceFigure,
  latencyFigure,
  scaleFigure,
  stageBars,
  stateFigure,
  trajectoryFigures,
} from './figures.ts';
import type { ReportModel } from './ReportModel.ts';
import { element, escapeText } from './svg.ts';
import { ateTable, rpeTable, scaleTable, stateTable } from './tables.ts';

/** The report as one HTML document that loads nothing. */
export function reportPage(model: ReportModel): string {
  const body = [
    header(model),
    '<main>',
    warnings(model),
    tiles(model),
    section(
      'Trajectory',
      model.segments.length > 0 ? trajectoryFigures(model) : note('No pose was found.'),
      alignmentNote(model),
    ),
    model.evaluation ? section('Position error', errorFigure(model)) : '',
    section(
      'Tracking',
      stateFigure(model),
      evidenceFigure(model),
      element('h3', { class: 'gap' }, 'When not tracking'),
      stateTable(model),
    ),
    section('Speed', latencyFigure(model), element('h3', { class: 'gap' }, 'Median time by stage'), stageBars(model)),
    model.evaluation ? accuracy(model) : '',
    element('footer', {}, escapeText(`qpvo ${model.summary.version}, ${machineText(model.summary.host)}`)),
    '</main>',
  ];
  return htmlDocument(`${model.title} \u2013 visual odometry`, body.join('\n'));
}

/** What stands in the file until the run ends: also a killed run leaves a readable page. */
export function unfinishedPage(title: string): string {
  const text =
    'This run has not ended. If it is not running any more, it was killed before it could write its report; the trajectory, odometry and map files beside this one hold what was found until then.';
  return htmlDocument(
    title,
    element('header', { class: 'top' }, element('h1', {}, escapeText(title)), element('p', {}, text)),
  );
}

function header(model: ReportModel): string {
  const { summary } = model;
  const facts: [string, string][] = [
    ['source', summary.source],
    ['recorded', recordedAt(model)],
    ['model', summary.model],
    ['profile', summary.profile],
    ['seed', String(summary.seed)],
    ['machine', machineText(summary.host)],
  ];
  const list = facts.map(([name, value]) =>
    element('div', {}, element('dt', {}, name), element('dd', {}, escapeText(value))),
  );
  return element(
    'header',
    { class: 'top' },
    element('p', { class: 'over' }, 'Visual odometry report'),
    element('h1', {}, escapeText(model.title)),
    element('dl', { class: 'facts' }, ...list),
  );
}

/** Stamps since 2001 are taken as times of day. */
const CLOCK_NS = 1_000_000_000_000_000_000n;

function recordedAt({ firstStampNs, durationS }: ReportModel): string {
  const length = `${durationS.toFixed(1)} s`;
  if (firstStampNs === undefined || firstStampNs < CLOCK_NS) return length;
  const date = new Date(Number(firstStampNs / 1_000_000n)).toISOString().replace('T', ' ').slice(0, 19);
  return `${date} UTC, ${length}`;
}

function warnings(model: ReportModel): string {
  const texts = [
    ...(model.summary.incomplete ? ['The run was ended early; this report covers what was done until then.'] : []),
    ...(model.problem ? [`There is ground truth, but no comparison: ${model.problem}`] : []),
  ];
  return texts.map((text) => element('p', { class: 'warning', role: 'note' }, escapeText(text))).join('');
}

function tiles({ summary, evaluation, segments }: ReportModel): string {
  const share = summary.frames > 0 ? `${((100 * summary.tracked) / summary.frames).toFixed(1)} % of frames` : '';
  const { p50, p95, p99 } = summary.latencyMs;
  const entries: [name: string, value: string, detail: string][] = [
    ['Frames', String(summary.frames), frameDetail(summary)],
    ['Tracked', String(summary.tracked), share],
    ['Keyframes', String(summary.keyframes), segments.length === 1 ? 'one segment' : `${segments.length} segments`],
    ['Frames per s', summary.fps.toFixed(1), 'end to end'],
    ['Latency p50', `${p50.toFixed(0)} ms`, `p95 ${p95.toFixed(0)}, p99 ${p99.toFixed(0)}`],
    ['Peak memory', `${summary.peakRssMb.toFixed(0)} MB`, 'resident'],
  ];
  const rmseM = summary.ate?.rmseM ?? evaluation?.overall.ate.translationM.rmse;
  if (rmseM !== undefined) {
    const share =
      evaluation && evaluation.overall.pathM > 0
        ? `${((100 * rmseM) / evaluation.overall.pathM).toFixed(2)} % of path`
        : 'RMSE';
    entries.push(['ATE', `${rmseM.toFixed(3)} m`, share]);
  }
  return element(
    'dl',
    { class: 'tiles' },
    ...entries.map(([name, value, detail]) =>
      element(
        'div',
        { class: 'tile' },
        element('dt', {}, name),
        element('dd', {}, element('b', {}, value), element('span', {}, detail)),
      ),
    ),
  );
}

function frameDetail({ skipped, dropped = 0 }: RunSummary): string {
  const parts = [...(skipped > 0 ? [`${skipped} not usable`] : []), ...(dropped > 0 ? [`${dropped} dropped`] : [])];
  return parts.join(', ') || 'all used';
}

function alignmentNote({ evaluation, segments }: ReportModel): string {
  const scale = 'One camera alone cannot see the absolute scale, and each segment has a scale of its own.';
  if (!evaluation) {
    return note(
      `${scale} Lengths are in units of the estimate, not metres. Axes are those of the first camera: x right, y down, z forward.`,
    );
  }
  const several = segments.length > 1;
  const how = several
    ? 'Each segment is drawn with its own best similarity (rotation, translation, scale) to the ground truth; the ATE above uses one for all.'
    : `The estimate is moved onto the ground truth by the best similarity (rotation, translation, scale): ${formatAlignment(evaluation.overall)}.`;
  return note(
    `${how} ${scale} Umeyama's method, ${evaluation.association.pairs} of ${evaluation.association.estimatePoses} poses matched in time.`,
  );
}

function accuracy(model: ReportModel): string {
  return section(
    'Accuracy',
    element('h3', {}, 'Absolute trajectory error after alignment'),
    ateTable(model),
    element(
      'div',
      { class: 'pair gap' },
      element('div', {}, element('h3', {}, 'Relative pose error'), rpeTable(model)),
      element('div', {}, element('h3', {}, 'Scale drift'), scaleTable(model), scaleFigure(model)),
    ),
  );
}
