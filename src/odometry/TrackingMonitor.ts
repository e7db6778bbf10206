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
  /** False when bundle adjustment had to skip a step. */
  solved: boolean;
  /** Share of the edges that bundle adjustment could use. */
  validShare: number;
  /** False when a pose is not finite. */
  finite: boolean;
}

/** Below this share of usable edges there is nothing to optimise on. */
const MIN_VALID_SHARE = 0.1;

/** Turns evidence into a tracking state. Bad evidence degrades at once and loses only after some frames in a row. */
export class TrackingMonitor {
  readonly #settings: MonitorSettings;
  #badFrames = 0;

  constructor(settings: MonitorSettings) {
    this.#settings = settings;
  }

  /** Frames of bad evidence in a row, up to the last one judged. */
  get badFrames(): number {
    return this.#badFrames;
  }

  reset(): void {
    this.#badFrames = 0;
  }

  judge(evidence: Evidence): { state: TrackingState; reason: string } {
    const bad = this.#badness(evidence);
    this.#badFrames = bad === '' ? 0 : this.#badFrames + 1;
    if (!evidence.finite) return { state: 'LOST', reason: bad };
    if (this.#badFrames >= this.#settings.lostFrames) return { state: 'LOST', reason: `${bad}, ${this.#badFrames} frames in a row` };
    if (bad !== '') return { state: 'DEGRADED', reason: bad };
    const share = evidence.health.inlierShare;
    if (share < this.#settings.degradedInlierShare) {
      return { state: 'DEGRADED', reason: `only ${percent(share)} of the patches agree with the motion` };
    }
    return { state: 'TRACKING', reason: '' };
  }

  #badness({ health, solved, validShare, finite }: Evidence): string {
    if (!finite) return 'the pose is not finite';
    if (!solved) return 'bundle adjustment could not be solved';
    if (validShare < MIN_VALID_SHARE) return `too few patches in view (${percent(validShare)} usable)`;
    if (health.inlierShare < this.#settings.lostInlierShare) return `${percent(health.inlierShare)} of the patches agree with the motion`;
    return '';
  }
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}
