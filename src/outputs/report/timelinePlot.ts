// SPDX-License-Identifier: MIT
import type { TrackingState } from '../../odometry/types.ts';
import { timeAxis } from './linePlot.ts';
import type { StateRun } from './stateRuns.ts';
import { element, escapeText, px, svg } from './svg.ts';

export const STATE_CLASS: Record<TrackingState, string> = {
  TRACKING: 'tracking',
  DEGRADED: 'degraded',
  LOST: 'lost',
  INITIALIZING: 'initializing',
};

const LANES: TrackingState[] = ['TRACKING', 'DEGRADED', 'LOST', 'INITIALIZING'];
const LANE_PX = 22;
/** Room for the names of the lanes. */
export const LANE_NAMES_PX = 104;

/** The tracking state over time, a lane for each state, and a tick for each keyframe. */
export function timelinePlot(
  runs: readonly StateRun[],
  keyframesS: readonly number[],
  durationS: number,
  width: number,
): string {
  const right = width - 10;
  const xOf = (s: number) => LANE_NAMES_PX + (s / durationS) * (right - LANE_NAMES_PX);
  const bottom = (LANES.length + 1) * LANE_PX + 6;
  const lanes = [...LANES, 'keyframes'].map((name, lane) =>
    [
      element('line', {
        x1: LANE_NAMES_PX,
        x2: right,
        y1: lane * LANE_PX + 13,
        y2: lane * LANE_PX + 13,
        class: 'grid',
      }),
      element('text', { x: LANE_NAMES_PX - 8, y: lane * LANE_PX + 17, class: 'tick', 'text-anchor': 'end' }, name),
    ].join(''),
  );
  return svg({
    width,
    height: bottom + 34,
    label: `Tracking state over ${durationS.toFixed(1)} s: ${runs.map((run) => run.state).join(', ')}`,
    children: [
      ...lanes,
      ...runs.map((run) => runRect(run, xOf)),
      element('path', { d: keyframeTicks(keyframesS.map(xOf), LANES.length * LANE_PX + 5), class: 'keyframe-ticks' }),
      timeAxis(durationS, width - LANE_NAMES_PX, xOf, bottom),
    ],
  });
}

function runRect(run: StateRun, xOf: (s: number) => number): string {
  const x = xOf(run.fromS);
  const width = Math.max(1.5, xOf(run.toS) - x);
  const title = `${run.state} ${run.fromS.toFixed(1)} to ${run.toS.toFixed(1)} s${run.reason ? `: ${run.reason}` : ''}`;
  return element(
    'rect',
    {
      x,
      y: LANES.indexOf(run.state) * LANE_PX + 4,
      width,
      height: LANE_PX - 4,
      class: `state ${STATE_CLASS[run.state]}`,
    },
    element('title', {}, escapeText(title)),
  );
}

/** One tick a pixel at most. */
function keyframeTicks(xs: readonly number[], y: number): string {
  const columns = new Set(xs.map((x) => Math.round(x)));
  return [...columns].map((x) => `M${px(x)} ${px(y)}v16`).join('');
}
