// SPDX-License-Identifier: MIT
import { type Quat, rotate, type Vec3 } from '../../odometry/se3.ts';

/** A world axis on the page: which, and whether it points against the page axis. */
export interface ViewAxis {
  index: 0 | 1 | 2;
  sign: 1 | -1;
}

/** A view along an axis of the world: `right` runs to the right of the page, `up` upwards. */
export interface View {
  title: string;
  right: ViewAxis;
  up: ViewAxis;
}

const NAMES = ['x', 'y', 'z'] as const;
/** Below this mean share of "down" in any axis the attitude says nothing about the vertical. */
const CLEAR = 0.3;

/**
 * Top and side view of a world. The vertical is the axis that the image columns of a camera held upright follow; the top view is seen from above, the side
 * view has the longer horizontal extent to the right.
 * @param attitudes quaternions of T_world_camera
 * @param positions in the same world
 * @param fallback the direction that is up when the attitudes do not say
 */
export function viewsOf(attitudes: readonly Quat[], positions: readonly Vec3[], fallback: ViewAxis): [View, View] {
  const up = upOf(attitudes) ?? fallback;
  const [right, forward] = horizontalsOf(up);
  const along = extent(positions, right) > extent(positions, forward) ? right : forward;
  return [
    { title: 'Top view', right, up: forward },
    { title: 'Side view', right: along, up },
  ];
}

/** Top and side view of a run without ground truth: the world is the first camera (x right, y down, z forward). */
export const CAMERA_VIEWS: [View, View] = [
  { title: 'Top view', right: { index: 0, sign: 1 }, up: { index: 2, sign: 1 } },
  { title: 'Side view', right: { index: 2, sign: 1 }, up: { index: 1, sign: -1 } },
];

function upOf(attitudes: readonly Quat[]): ViewAxis | undefined {
  const down: Vec3 = [0, 0, 0];
  for (const q of attitudes) {
    const d = rotate(q, [0, 1, 0]);
    for (let i = 0; i < 3; i++) down[i]! += d[i]! / attitudes.length;
  }
  const index = ([0, 1, 2] as const).reduce(
    (best, i) => (Math.abs(down[i]) > Math.abs(down[best]) ? i : best),
    0 as 0 | 1 | 2,
  );
  if (Math.abs(down[index]) < CLEAR) return undefined;
  return { index, sign: down[index] < 0 ? 1 : -1 };
}

/** The two horizontal axes, right x forward = up. */
function horizontalsOf(up: ViewAxis): [ViewAxis, ViewAxis] {
  const next: ViewAxis = { index: ((up.index + 1) % 3) as 0 | 1 | 2, sign: 1 };
  const afterNext: ViewAxis = { index: ((up.index + 2) % 3) as 0 | 1 | 2, sign: 1 };
  return up.sign > 0 ? [next, afterNext] : [afterNext, next];
}

function extent(positions: readonly Vec3[], axis: ViewAxis): number {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (const p of positions) {
    low = Math.min(low, p[axis.index]);
    high = Math.max(high, p[axis.index]);
  }
  return high - low;
}

/** A position on the page, page axes to the right and up. */
export function project(view: View, p: Vec3): [number, number] {
  return [view.right.sign * p[view.right.index], view.up.sign * p[view.up.index]];
}

/** "x", "−y" */
export function axisName(axis: ViewAxis): string {
  return axis.sign < 0 ? `\u2212${NAMES[axis.index]}` : NAMES[axis.index];
}
