// SPDX-License-Identifier: MIT
import { element, escapeText, type HoverPoint, svg } from '../../outputs/report/svg.ts';
import { ticksOf, tickText } from '../../outputs/report/ticks.ts';

/** The values of one profile. */
export interface DotRow {
  name: string;
  className: string;
  dots: readonly { value: number; text: string }[];
  /** Marked with a line; not drawn when it is not finite. */
  median: number;
}

export interface DotPlot {
  /** What the plot shows, for screen readers. */
  label: string;
  width: number;
  rows: readonly DotRow[];
  /** Name of the axis with its unit. */
  axis: string;
  /** Shaded from `from` to `to`, with its reason. */
  band?: { from: number; to: number; title: string };
}

const ROW_PX = 34;
const TOP_PX = 4;
const BOTTOM_PX = 36;

/** One row for each profile, one dot for each run, on an axis that begins at zero. */
export function dotPlot({ label, width, rows, axis, band }: DotPlot): string {
  const left = 14 + 7 * Math.max(...rows.map(({ name }) => name.length));
  const right = width - 14;
  const bottom = TOP_PX + rows.length * ROW_PX;
  const values = rows.flatMap(({ dots }) => dots.map(({ value }) => value));
  const greatest = Math.max(0, ...values, band?.to ?? 0) * 1.06 || 1;
  const xOf = (value: number): number => left + (value / greatest) * (right - left);
  const yOf = (row: number): number => TOP_PX + (row + 0.5) * ROW_PX;
  const hover: HoverPoint[] = rows.flatMap(({ dots }, row) =>
    dots.map(({ value, text }) => ({ x: xOf(value), y: yOf(row), text })),
  );
  return svg({
    width,
    height: bottom + BOTTOM_PX,
    label,
    children: [
      band === undefined ? '' : bandRect(band, xOf, bottom),
      ...valueAxis(greatest, width, xOf, bottom, axis),
      ...rows.map((row, index) => rowMarks(row, xOf, yOf(index), left)),
    ],
    hover,
    hoverBy: 'xy',
  });
}

function bandRect(
  { from, to, title }: NonNullable<DotPlot['band']>,
  xOf: (value: number) => number,
  bottom: number,
): string {
  const x = xOf(from);
  return element(
    'rect',
    { x, y: TOP_PX, width: Math.max(2, xOf(to) - x), height: bottom - TOP_PX, class: 'allowed' },
    element('title', {}, escapeText(title)),
  );
}

function valueAxis(
  greatest: number,
  width: number,
  xOf: (value: number) => number,
  bottom: number,
  axis: string,
): string[] {
  const { values, digits } = ticksOf(0, greatest, Math.max(3, Math.floor((xOf(greatest) - xOf(0)) / 70)));
  const ticks = values.map((value) => {
    const x = xOf(value);
    return (
      element('line', { x1: x, x2: x, y1: TOP_PX, y2: bottom, class: 'grid' }) +
      element('text', { x, y: bottom + 15, class: 'tick', 'text-anchor': 'middle' }, tickText(value, digits))
    );
  });
  const base = element('line', { x1: xOf(0), x2: xOf(greatest), y1: bottom, y2: bottom, class: 'axis' });
  const name = element(
    'text',
    { x: width - 14, y: bottom + 31, class: 'axis-name', 'text-anchor': 'end' },
    escapeText(axis),
  );
  return [...ticks, base, name];
}

function rowMarks(
  { name, className, dots, median }: DotRow,
  xOf: (value: number) => number,
  y: number,
  left: number,
): string {
  const xs = dots.map(({ value }) => xOf(value));
  const range =
    xs.length > 1
      ? element('line', { x1: Math.min(...xs), x2: Math.max(...xs), y1: y, y2: y, class: `range ${className}` })
      : '';
  const x = xOf(median);
  const middle = Number.isFinite(median)
    ? element('line', { x1: x, x2: x, y1: y - 11, y2: y + 11, class: `median ${className}` })
    : '';
  return [
    element('text', { x: left - 10, y: y + 4, class: 'row-name', 'text-anchor': 'end' }, escapeText(name)),
    range,
    ...xs.map((cx) => element('circle', { cx, cy: y, r: 4.5, class: `dot ${className}` })),
    middle,
  ].join('');
}
