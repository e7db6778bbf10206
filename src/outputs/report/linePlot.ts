// SPDX-License-Identifier: MIT
import { element, escapeText, type HoverPoint, polyline, svg } from './svg.ts';
import { type Curve, spread, thin } from './thin.ts';
import { ticksOf, tickText } from './ticks.ts';

export interface Series extends Curve {
  name: string;
  /** Class of the style sheet that colours it. */
  className: string;
}

/** A stretch of time that is shaded, with its reason. */
export interface Band {
  fromS: number;
  toS: number;
  className: string;
  title: string;
}

export interface LinePlot {
  /** What the plot shows, for screen readers. */
  label: string;
  width: number;
  height: number;
  /** Time runs from 0 to this, seconds. */
  durationS: number;
  yLabel: string;
  yUnit: string;
  /** Unit after a value under the pointer, with its space. */
  hoverUnit: string;
  /** Upper end of the y axis; from the data when absent. */
  yMax?: number;
  /** Lower end of the y axis; 0 when absent. */
  yMin?: number;
  /** Least room for names to the left, to line up with a plot below or above, px. */
  leftPx?: number;
  series: readonly Series[];
  bands: readonly Band[];
}

const HOVER_POINTS = 240;

/** Curves over time. */
export function linePlot(plot: LinePlot): string {
  const top = 26;
  const bottom = plot.height - 34;
  const yMax = plot.yMax ?? topOf(plot.series);
  const yMin = plot.yMin ?? 0;
  const yTicks = ticksOf(yMin, yMax, plot.height < 160 ? 3 : 5);
  const left = Math.max(
    plot.leftPx ?? 0,
    14 + 7.2 * Math.max(...yTicks.values.map((value) => tickText(value, yTicks.digits).length)),
  );
  const right = plot.width - 10;
  const xOf = (s: number) => left + (s / plot.durationS) * (right - left);
  const yOf = (value: number) => bottom - ((Math.min(value, yMax) - yMin) / (yMax - yMin)) * (bottom - top);
  return svg({
    width: plot.width,
    height: plot.height,
    label: plot.label,
    children: [
      ...plot.bands.map((band) => bandRect(band, xOf, top, bottom)),
      ...yTicks.values.map((value) => yTick(tickText(value, yTicks.digits), yOf(value), left, right)),
      timeAxis(plot.durationS, plot.width, xOf, bottom),
      element('text', { x: 0, y: 13, class: 'axis-name' }, escapeText(`${plot.yLabel} [${plot.yUnit}]`)),
      ...plot.series.map((series) => curvePath(series, plot.width, xOf, yOf)),
    ],
    hover: plot.series.flatMap((series) => hoverPoints(series, plot, xOf, yOf)),
    hoverBy: 'x',
  });
}

function topOf(series: readonly Series[]): number {
  let most = 0;
  for (const { y } of series) for (const value of y) if (value > most) most = value;
  return most > 0 ? most * 1.06 : 1;
}

export function bandRect(band: Band, xOf: (s: number) => number, top: number, bottom: number): string {
  const x = xOf(band.fromS);
  const width = Math.max(1, xOf(band.toS) - x);
  return element(
    'rect',
    { x, y: top, width, height: bottom - top, class: band.className },
    element('title', {}, escapeText(band.title)),
  );
}

function yTick(text: string, y: number, left: number, right: number): string {
  return (
    element('line', { x1: left, x2: right, y1: y, y2: y, class: 'grid' }) +
    element('text', { x: left - 6, y: y + 4, class: 'tick', 'text-anchor': 'end' }, text)
  );
}

/** Base line, ticks and name of the time axis. */
export function timeAxis(durationS: number, width: number, xOf: (s: number) => number, y: number): string {
  const { values, digits } = ticksOf(0, durationS, Math.max(3, Math.floor(width / 110)));
  const right = xOf(durationS);
  const name = element('text', { x: right, y: y + 30, class: 'axis-name', 'text-anchor': 'end' }, 'time [s]');
  const ticks = values.map((value) => {
    const x = xOf(value);
    const anchor = right - x < 14 ? 'end' : 'middle';
    return (
      element('line', { x1: x, x2: x, y1: y, y2: y + 4, class: 'axis' }) +
      element('text', { x, y: y + 16, class: 'tick', 'text-anchor': anchor }, tickText(value, digits))
    );
  });
  return element('line', { x1: xOf(0), x2: right, y1: y, y2: y, class: 'axis' }) + ticks.join('') + name;
}

function curvePath(series: Series, width: number, xOf: (s: number) => number, yOf: (value: number) => number): string {
  const { x, y } = thin(series, Math.round(width));
  return element('path', { d: polyline(x.map(xOf), y.map(yOf)), class: `curve ${series.className}` });
}

function hoverPoints(
  series: Series,
  plot: LinePlot,
  xOf: (s: number) => number,
  yOf: (value: number) => number,
): HoverPoint[] {
  return spread(series.x.length, HOVER_POINTS).flatMap((i) => {
    const value = series.y[i]!;
    if (!Number.isFinite(value)) return [];
    const at = series.x[i]!;
    return [
      {
        x: xOf(at),
        y: yOf(value),
        text: `${at.toFixed(1)} s: ${series.name} ${value.toPrecision(3)}${plot.hoverUnit}`,
      },
    ];
  });
}
