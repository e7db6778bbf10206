// SPDX-License-Identifier: MIT
import type { Health, TrackingState } from './types.ts';

export interface MonitorSettings {
  degradedInlierShare: number;
  lostInlierShare: number;
  /** Frames of bad evidence in a row before LOST. */
  lostFrames: number;
}

/** What one update left behind. */
export interface Evidence {
  health: Health;
  /** Inlier share of the edges that join the last lostFrames images with the older ones; undefined while there are none. */
  linkShare: number | undefined;
  /** False when bundle adjustment had to skip a step. */
  solved: boolean;
  /** Share of the edges that bundle adjustment could use. */
  validShare: number;
  /** False when a pose is not finite. */
  finite: boolean;
}

/** Below this share of usable edges there is nothing to optimise on. */
const MIN_VALID_SHARE = 0.1;

/**
 * Turns evidence into a tracking state. Weak evidence degrades at once. Tracking is lost when the last frames hang together with the older ones no more: after blindness,
 * and also after a jump to another place, where the new frames agree well among themselves.
 */
export class TrackingMonitor {
  readonly #settings: MonitorSettings;
  #unsolvedFrames = 0;

  constructor(settings: MonitorSettings) {
    this.#settings = settings;
  }

  judge(evidence: Evidence): { state: TrackingState; reason: string } {
    const { lostFrames, lostInlierShare, degradedInlierShare } = this.#settings;
    if (!evidence.finite) return { state: 'LOST', reason: 'a pose is not finite' };
    const { linkShare } = evidence;
    if (linkShare !== undefined && linkShare < lostInlierShare) {
      return {
        state: 'LOST',
        reason: `the last ${lostFrames} images do not match those before (${percent(linkShare)} of the patches agree)`,
      };
    }
    const unsolved = unsolvable(evidence);
    this.#unsolvedFrames = unsolved === '' ? 0 : this.#unsolvedFrames + 1;
    if (this.#unsolvedFrames >= lostFrames)
      return { state: 'LOST', reason: `${unsolved}, ${lostFrames} frames in a row` };
    if (unsolved !== '') return { state: 'DEGRADED', reason: unsolved };
    const { inlierShare } = evidence.health;
    if (inlierShare >= degradedInlierShare) return { state: 'TRACKING', reason: '' };
    return { state: 'DEGRADED', reason: `only ${percent(inlierShare)} of the patches agree with the motion` };
  }
}

function unsolvable({ solved, validShare }: Evidence): string {
  if (!solved) return 'bundle adjustment could not be solved';
  return validShare < MIN_VALID_SHARE ? `too few patches in view (${percent(validShare)} usable)` : '';
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}
