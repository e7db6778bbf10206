// SPDX-License-Identifier: MIT
import type { Vec3 } from '../../odometry/se3.ts';
import { element, type HoverPoint, polyline, px, svg } from './svg.ts';
import { spread } from './thin.ts';
import { roundUp, ticksOf, tickText } from './ticks.ts';
import { axisName, project, type View } from './views.ts';

export interface TrackLine {
  className: string;
  positions: readonly Vec3[];
  /** What each position tells when the pointer is near; none for lines that stay silent. */
  texts?: readonly string[];
}

export interface TrajectoryPlot {
  view: View;
  width: number;
  /** "m", or the name of the arbitrary unit. */
  unit: string;
  /** Drawn first to last. */
  lines: readonly TrackLine[];
  /** Map points, drawn faintly where they fall inside the frame. */
  points: readonly Vec3[];
  start: Vec3 | undefined;
  end: Vec3 | undefined;
}

const LINE_POINTS = 1500;
const HOVER_POINTS = 300;
const MARGIN = { top: 26, right: 12, bottom: 36 };

interface Frame {
  left: number;
  right: number;
  top: number;
  bottom: number;
  xOf: (x: number) => number;
  yOf: (y: number) => number;
  pxPerUnit: number;
}

/** Tracks seen along an axis, the same scale in both directions. */
export function trajectoryPlot(plot: TrajectoryPlot): string {
  const tracks = plot.lines.map((line) => line.positions.map((p) => project(plot.view, p)));
  const box = boundsOf(tracks.flat());
  const frame = frameOf(box, plot.width);
  const page = (p: readonly [number, number]): [number, number] => [frame.xOf(p[0]), frame.yOf(p[1])];
  const [start, end] = [plot.start, plot.end].map((p) => p && page(project(plot.view, p)));
  const lines = plot.lines.map((line, k) => {
    const at = spread(line.positions.length, LINE_POINTS).map((i) => page(tracks[k]![i]!));
    return element('path', {
      d: polyline(
        at.map((p) => p[0]),
        at.map((p) => p[1]),
      ),
      class: `curve ${line.className}`,
    });
  });
  const name = `${plot.view.title}: ${axisName(plot.view.right)} to the right, ${axisName(plot.view.up)} upwards, ${plot.unit}`;
  return svg({
    width: plot.width,
    height: frame.bottom + MARGIN.bottom,
    label: name,
    children: [
      axes(plot, frame, box),
      cloud(plot, frame),
      ...lines,
      scaleBar(frame, plot.unit, [start, end]),
      marker(start, 'start', frame),
      marker(end, 'end', frame),
    ],
    hover: plot.lines.flatMap((line, k) => hoverPoints(line, tracks[k]!, page)),
    hoverBy: 'xy',
  });
}

interface Box {
  x: [number, number];
  y: [number, number];
}

/** The range of all points, a tenth wider, never empty. */
function boundsOf(points: readonly (readonly [number, number])[]): Box {
  const range = (k: 0 | 1): [number, number] => {
    let low = Number.POSITIVE_INFINITY;
    let high = Number.NEGATIVE_INFINITY;
    for (const p of points) {
      low = Math.min(low, p[k]);
      high = Math.max(high, p[k]);
    }
    return low <= high ? [low, high] : [0, 0];
  };
  const [x, y] = [range(0), range(1)];
  const pad = 0.08 * Math.max(x[1] - x[0], y[1] - y[0]) || 0.5;
  return { x: [x[0] - pad, x[1] + pad], y: [y[0] - pad, y[1] + pad] };
}

/** Fits the box into the width, height between 0.4 and 0.9 of it, centred. */
function frameOf(box: Box, width: number): Frame {
  const left = 50;
  const right = width - MARGIN.right;
  const [w, h] = [box.x[1] - box.x[0], box.y[1] - box.y[0]];
  const height = Math.min(0.85 * width, Math.max(0.4 * width, ((right - left) * h) / w));
  const pxPerUnit = Math.min((right - left) / w, height / h);
  const middleX = (box.x[0] + box.x[1]) / 2;
  const middleY = (box.y[0] + box.y[1]) / 2;
  const [cx, cy] = [(left + right) / 2, MARGIN.top + height / 2];
  return {
    left,
    right,
    top: MARGIN.top,
    bottom: MARGIN.top + height,
    xOf: (x) => cx + (x - middleX) * pxPerUnit,
    yOf: (y) => cy - (y - middleY) * pxPerUnit,
    pxPerUnit,
  };
}

/** Grid and ticks, equally spaced in both directions. The number at a tick is the world's, also where the axis runs against the page. */
function axes(plot: TrajectoryPlot, frame: Frame, box: Box): string {
  const middle = { x: (box.x[0] + box.x[1]) / 2, y: (box.y[0] + box.y[1]) / 2 };
  const half = {
    x: (frame.right - frame.left) / 2 / frame.pxPerUnit,
    y: (frame.bottom - frame.top) / 2 / frame.pxPerUnit,
  };
  const step = roundUp((50 / frame.pxPerUnit) * 0.999);
  const ticks = (centre: number, reach: number) => ticksOf(centre - reach, centre + reach, (2 * reach) / step);
  const across = ticks(middle.x, half.x);
  const upward = ticks(middle.y, half.y);
  const columns = across.values.map((value) => {
    const x = frame.xOf(value);
    return (
      element('line', { x1: x, x2: x, y1: frame.top, y2: frame.bottom, class: 'grid' }) +
      element(
        'text',
        { x, y: frame.bottom + 16, class: 'tick', 'text-anchor': 'middle' },
        tickText(plot.view.right.sign * value, across.digits),
      )
    );
  });
  const rows = upward.values.map((value) => {
    const y = frame.yOf(value);
    return (
      element('line', { x1: frame.left, x2: frame.right, y1: y, y2: y, class: 'grid' }) +
      element(
        'text',
        { x: frame.left - 6, y: y + 4, class: 'tick', 'text-anchor': 'end' },
        tickText(plot.view.up.sign * value, upward.digits),
      )
    );
  });
  return [
    ...columns,
    ...rows,
    element('rect', {
      x: frame.left,
      y: frame.top,
      width: frame.right - frame.left,
      height: frame.bottom - frame.top,
      class: 'frame',
    }),
    element('text', { x: 0, y: 13, class: 'axis-name' }, `${arrowName(plot.view.up, '\u2191')} [${plot.unit}]`),
    element(
      'text',
      { x: frame.right, y: frame.bottom + 31, class: 'axis-name', 'text-anchor': 'end' },
      `${arrowName(plot.view.right, '\u2192')} [${plot.unit}]`,
    ),
  ].join('');
}

/** "z ↑": the direction in which the world axis grows. */
function arrowName(axis: View['up'], arrow: '\u2191' | '\u2192'): string {
  const grows = axis.sign > 0 ? arrow : arrow === '\u2191' ? '\u2193' : '\u2190';
  return `${'xyz'[axis.index]} ${grows}`;
}

function cloud(plot: TrajectoryPlot, frame: Frame): string {
  let d = '';
  for (const point of plot.points) {
    const [x, y] = project(plot.view, point);
    const [u, v] = [frame.xOf(x), frame.yOf(y)];
    if (u > frame.left && u < frame.right && v > frame.top && v < frame.bottom) d += `M${px(u)} ${px(v)}h0`;
  }
  return d === '' ? '' : element('path', { d, class: 'cloud' });
}

/** Room of the scale bar and a marker's name beside it, px from the corner. */
const CORNER_PX = { across: 190, up: 64 };

/** A bar of round length, about a fifth of the width, in the lower left corner, or in the right one when a marker stands there. */
function scaleBar(frame: Frame, unit: string, markers: readonly ([number, number] | undefined)[]): string {
  const length = roundUp(((frame.right - frame.left) * 0.12) / frame.pxPerUnit);
  const isTaken = markers.some(
    (at) => at && at[0] < frame.left + CORNER_PX.across && at[1] > frame.bottom - CORNER_PX.up,
  );
  const lengthPx = length * frame.pxPerUnit;
  const [x, y] = [isTaken ? frame.right - 12 - lengthPx : frame.left + 12, frame.bottom - 12];
  const end = x + lengthPx;
  return (
    element('path', { d: `M${px(x)} ${px(y - 4)}v4H${px(end)}v-4`, class: 'scale-bar' }) +
    element(
      'text',
      { x: (x + end) / 2, y: y - 7, class: 'mark', 'text-anchor': 'middle' },
      barText(Number(length.toPrecision(1)), unit),
    )
  );
}

function barText(length: number, unit: string): string {
  return length === 1 ? `1 ${unit.replace(/s$/, '')}` : `${length} ${unit}`;
}

/** Start: a ring, named above it; end: a square, named below it. Both stay readable where they meet. */
function marker(at: [number, number] | undefined, kind: 'start' | 'end', frame: Frame): string {
  if (!at) return '';
  const [x, y] = at;
  const anchor = x > frame.right - 40 ? 'end' : x < frame.left + 40 ? 'start' : 'middle';
  const shape =
    kind === 'start'
      ? element('circle', { cx: x, cy: y, r: 5.5, class: 'marker-start' })
      : element('rect', { x: x - 4.5, y: y - 4.5, width: 9, height: 9, class: 'marker-end' });
  return (
    shape + element('text', { x, y: kind === 'start' ? y - 10 : y + 20, class: 'mark', 'text-anchor': anchor }, kind)
  );
}

function hoverPoints(
  line: TrackLine,
  track: readonly (readonly [number, number])[],
  page: (p: readonly [number, number]) => [number, number],
): HoverPoint[] {
  const { texts } = line;
  if (!texts) return [];
  return spread(track.length, HOVER_POINTS).map((i) => {
    const [x, y] = page(track[i]!);
    return { x, y, text: texts[i]! };
  });
}
