// SPDX-License-Identifier: MIT
import { align } from './alignment.ts';
import type { PosePair } from './associate.ts';
import { pathLengthM } from './pathLength.ts';

/** How the scale of the estimate changes along the way. A ratio above 1: here one unit of the estimate was more metres than overall. */
export interface ScaleDrift {
  /** Metres per unit, best for all pairs together. */
  overall: number;
  windows: ScaleWindow[];
  /** Scale of the second half of the path over that of the first, minus one, percent; undefined when a half admits no scale. */
  halvesPercent: number | undefined;
  /** Largest distance of a window's ratio from 1, percent. */
  worstPercent: number;
}

export interface ScaleWindow {
  firstStampNs: bigint;
  lastStampNs: bigint;
  /** Scale of this window over the overall scale. */
  ratio: number;
}

const MOST_WINDOWS = 8;
const FEWEST_POSES_PER_WINDOW = 5;

/** Cuts the path of the reference into windows of equal length and finds the scale of each. Undefined when not even the whole admits a scale. */
export function scaleDrift(pairs: readonly PosePair[]): ScaleDrift | undefined {
  const overall = scaleOf(pairs);
  if (overall === undefined) return undefined;
  const count = Math.max(1, Math.min(MOST_WINDOWS, Math.floor(pairs.length / FEWEST_POSES_PER_WINDOW)));
  const windows = cutByPath(pairs, count).flatMap((part) => {
    const scale = part.length < FEWEST_POSES_PER_WINDOW ? undefined : scaleOf(part);
    if (scale === undefined) return [];
    return [{ firstStampNs: part[0]!.stampNs, lastStampNs: part.at(-1)!.stampNs, ratio: scale / overall }];
  });
  const [first, second] = cutByPath(pairs, 2).map(scaleOf);
  return {
    overall,
    windows,
    halvesPercent: first === undefined || second === undefined ? undefined : (second / first - 1) * 100,
    worstPercent: windows.reduce((worst, window) => Math.max(worst, Math.abs(window.ratio - 1) * 100), 0),
  };
}

function scaleOf(pairs: readonly PosePair[]): number | undefined {
  const result = align(
    pairs.map((pair) => pair.estimate.t),
    pairs.map((pair) => pair.reference.t),
    'sim3',
  );
  return result.ok ? result.alignment.scale : undefined;
}

/** Parts of equal path length, in order; a pair on a cut belongs to the later part. */
function cutByPath(pairs: readonly PosePair[], count: number): PosePair[][] {
  const lengthM = pathLengthM(pairs);
  const total = lengthM.at(-1) ?? 0;
  const parts: PosePair[][] = Array.from({ length: count }, () => []);
  pairs.forEach((pair, i) => {
    const part = total > 0 ? Math.min(count - 1, Math.floor((lengthM[i]! / total) * count)) : 0;
    parts[part]!.push(pair);
  });
  return parts;
}
