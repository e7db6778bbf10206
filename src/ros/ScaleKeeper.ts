// SPDX-License-Identifier: MIT
import type { ScaleState } from '../messages/ros2/encode.ts';
import type { ScaleEstimator } from './frames/ScaleEstimator.ts';

export interface Scale {
  /** UNSCALED: the unit of length is unknown. FIXED: given by a parameter or a service. ESTIMATED: measured against a reference. */
  state: ScaleState;
  /** Metres per unit of the odometry; the best guess (1, or that of the last segment) while UNSCALED. */
  factor: number;
  /** Relative spread of the estimate; 0 unless ESTIMATED. */
  spread: number;
}

/** An estimate moves the scale only when it differs by more than this. */
const LEAST_CHANGE = 0.002;

/** One camera gives each segment a scale of its own, so what is known about the scale holds for one segment. */
export class ScaleKeeper {
  readonly #estimator: ScaleEstimator | undefined;
  #segment: number | undefined;
  /** Set since the last image: it holds for the segment of the next one, whichever that is. */
  #isFresh = false;
  #scale: Scale;

  /**
   * @param fixed metres per unit for the first segment; 0: unknown
   * @param guess metres per unit while nothing is known
   */
  constructor(fixed: number, guess: number, estimator: ScaleEstimator | undefined) {
    this.#estimator = estimator;
    this.#scale = { state: 'UNSCALED', factor: guess, spread: 0 };
    if (fixed > 0) this.fix(fixed);
  }

  get scale(): Readonly<Scale> {
    return this.#scale;
  }

  /** From now to the end of the segment. @param factor more than 0; 0 makes it unknown again */
  fix(factor: number): void {
    this.#isFresh = true;
    this.#scale = factor > 0 ? { state: 'FIXED', factor, spread: 0 } : { ...this.#scale, state: 'UNSCALED', spread: 0 };
  }

  /** The scale of a frame of this segment. @returns true when a scale that was known ended with its segment */
  enter(segment: number): boolean {
    const isNew = this.#segment !== undefined && segment !== this.#segment;
    const ended = isNew && !this.#isFresh && this.#scale.state !== 'UNSCALED';
    this.#segment = segment;
    this.#isFresh = false;
    if (ended) this.#scale = { ...this.#scale, state: 'UNSCALED', spread: 0 };
    if (this.#scale.state !== 'FIXED') this.#follow(segment);
    return ended;
  }

  #follow(segment: number): void {
    const estimate = this.#estimator?.result(segment);
    if (estimate === undefined) return;
    const isNews = Math.abs(estimate.scale / this.#scale.factor - 1) > LEAST_CHANGE;
    this.#scale = {
      state: 'ESTIMATED',
      factor: isNews ? estimate.scale : this.#scale.factor,
      spread: estimate.spread,
    };
  }
}
