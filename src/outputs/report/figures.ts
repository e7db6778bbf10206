// SPDX-License-Identifier: MIT
import type { TrackingState } from '../../odometry/types.ts';
import { type Band, type LinePlot, linePlot, type Series } from './linePlot.ts';
import type { ReportModel } from './ReportModel.ts';
import { STAGES } from './stageNames.ts';
import { element, escapeText, forBothWidths } from './svg.ts';
import type { Curve } from './thin.ts';
import { LANE_NAMES_PX, STATE_CLASS, timelinePlot } from './timelinePlot.ts';
import { trajectoryPlot } from './trajectoryPlot.ts';

/** Width of a figure over the whole page, and of one of two side by side. */
export const FULL_PX = 1076;
export const HALF_PX = 526;
/** States without a pose are shaded in every plot over time. */
const SHADED: TrackingState[] = ['LOST', 'INITIALIZING'];

/** Top and side view, side by side where there is room. */
export function trajectoryFigures(model: ReportModel): string {
  const reference = model.reference.map((pose) => pose.t);
  const lines = [
    ...(reference.length > 0 ? [{ className: 'truth', positions: reference }] : []),
    ...model.segments.map(({ className, positions, texts }) => ({ className, positions, texts })),
  ];
  const figures = model.views.map((view) =>
    element(
      'figure',
      {},
      element('figcaption', {}, view.title),
      forBothWidths(
        (width) =>
          trajectoryPlot({
            view,
            width,
            unit: model.unit,
            lines,
            points: model.points,
            start: model.segments[0]?.positions[0],
            end: model.segments.at(-1)?.positions.at(-1),
          }),
        HALF_PX,
      ),
    ),
  );
  return legend(trajectoryLegend(model)) + element('div', { class: 'pair' }, ...figures);
}

function trajectoryLegend(model: ReportModel): [string, string][] {
  const truth: [string, string][] = model.reference.length > 0 ? [['truth', 'ground truth']] : [];
  const cloud: [string, string][] = model.points.length > 0 ? [['cloud-key', 'map points']] : [];
  return [...truth, ...segmentLegend(model), ...cloud];
}

function segmentLegend(model: ReportModel): [string, string][] {
  if (model.segments.length === 1) return [['s0', 'estimate']];
  return model.segments.slice(0, 12).map((track) => [track.className, `segment ${track.segment}`]);
}

/** Shaded stretches that occur. */
function bandLegend(model: ReportModel): [string, string][] {
  return SHADED.filter((state) => model.runs.some((run) => run.state === state)).map((state) => [
    STATE_CLASS[state],
    state.toLowerCase(),
  ]);
}

/** Names beside their colours; nothing without names. */
export function legend(entries: readonly [className: string, name: string][]): string {
  if (entries.length === 0) return '';
  const items = entries.map(([className, name]) =>
    element('li', {}, element('i', { class: `key ${className}` }), escapeText(name)),
  );
  return element('ul', { class: 'legend' }, ...items);
}

export function errorFigure(model: ReportModel): string {
  const series: Series[] = model.segments.map((track) => ({
    name: 'error',
    className: track.className,
    x: track.x,
    y: track.y,
  }));
  const overall = model.overallError;
  if (overall) series.unshift({ name: 'error, one alignment', className: 'overall', ...overall });
  const keys: [string, string][] = overall
    ? [...segmentLegend(model), ['overall', 'one alignment over all segments'], ...bandLegend(model)]
    : bandLegend(model);
  const plot = timePlot(model, {
    label: 'Position error over time',
    yLabel: 'position error',
    yUnit: 'm',
    hoverUnit: ' m',
    series,
    height: 220,
  });
  return legend(keys) + plot;
}

export function stateFigure(model: ReportModel): string {
  return forBothWidths((width) => timelinePlot(model.runs, model.keyframesS, model.durationS, width), FULL_PX);
}

/** The evidence behind the state; empty when there was none. */
export function evidenceFigure(model: ReportModel): string {
  const curve = (pick: 'medianConfidence' | 'inlierShare'): Curve => ({
    x: model.frames.map((frame) => frame.atS),
    y: model.frames.map((frame) => frame[pick] ?? Number.NaN),
  });
  const series: Series[] = [
    { name: 'inlier share', className: 's2', ...curve('inlierShare') },
    { name: 'median confidence', className: 's0', ...curve('medianConfidence') },
  ];
  if (!series.some(({ y }) => y.some(Number.isFinite))) return '';
  const keys: [string, string][] = series.map(({ className, name }) => [className, name]);
  const label = 'Median confidence and inlier share over time';
  return (
    legend(keys) +
    timePlot(model, {
      label,
      yLabel: 'evidence',
      yUnit: '0 to 1',
      hoverUnit: '',
      leftPx: LANE_NAMES_PX,
      yMax: 1,
      series,
      height: 150,
    })
  );
}

export function latencyFigure(model: ReportModel): string {
  const latency: Curve = { x: model.frames.map((frame) => frame.atS), y: model.frames.map((frame) => frame.latencyMs) };
  const series = [{ name: 'latency', className: 's0 thin', ...latency }];
  return timePlot(model, {
    label: 'Latency over time',
    yLabel: 'latency of a frame',
    yUnit: 'ms',
    hoverUnit: ' ms',
    series,
    height: 190,
  });
}

type TimePlot = Omit<LinePlot, 'width' | 'durationS' | 'bands'>;

function timePlot(model: ReportModel, plot: TimePlot, widePx = FULL_PX): string {
  const bands: Band[] = model.runs
    .filter((run) => SHADED.includes(run.state))
    .map((run) => ({
      fromS: run.fromS,
      toS: run.toS,
      className: `band ${STATE_CLASS[run.state]}`,
      title: run.reason === '' ? run.state : `${run.state}: ${run.reason}`,
    }));
  return forBothWidths((width) => linePlot({ ...plot, width, durationS: model.durationS, bands }), widePx);
}

/** Scale of windows of the path against the scale of their segment, over time; empty when no window has one. */
export function scaleFigure(model: ReportModel): string {
  const series = (model.evaluation?.segments ?? []).flatMap((entry): Series[] => {
    const windows = 'part' in entry ? (entry.part.scaleDrift?.windows ?? []) : [];
    const className = model.segments.find((track) => track.segment === entry.segment)?.className ?? 's0';
    return [
      {
        name: 'scale',
        className,
        x: windows.flatMap((window) => [model.secondsAt(window.firstStampNs), model.secondsAt(window.lastStampNs)]),
        y: windows.flatMap((window) => [(window.ratio - 1) * 100, (window.ratio - 1) * 100]),
      },
    ];
  });
  const reach = 1.15 * Math.max(1, ...series.flatMap(({ y }) => y.map(Math.abs)));
  if (series.every(({ x }) => x.length === 0)) return '';
  return timePlot(
    model,
    {
      label: 'Scale over time against the scale of the segment',
      yLabel: 'scale against its segment',
      yUnit: '%',
      hoverUnit: ' %',
      yMin: -reach,
      yMax: reach,
      series,
      height: 190,
    },
    HALF_PX,
  );
}

/** Median time of each stage as bars with their numbers. */
export function stageBars(model: ReportModel): string {
  const rows = STAGES.flatMap(([stage, name]) => {
    const ms = model.summary.stagesMs[stage];
    return ms === undefined ? [] : [{ name, ms }];
  });
  if (rows.length === 0) return element('p', { class: 'note' }, 'No stage was timed.');
  const most = Math.max(...rows.map((row) => row.ms), 1e-9);
  const bars = rows.map(({ name, ms }) => {
    const bar = element('i', { style: `width:${((ms / most) * 100).toFixed(1)}%` });
    return (
      element('dt', {}, name) +
      element('dd', {}, element('span', { class: 'track' }, bar), element('b', {}, `${ms.toFixed(1)} ms`))
    );
  });
  return element('dl', { class: 'bars' }, ...bars);
}
