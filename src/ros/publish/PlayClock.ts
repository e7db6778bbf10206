// SPDX-License-Identifier: MIT
import { setTimeout as sleep } from 'node:timers/promises';

/** Time of the machine: a monotonic clock to wait by, and the clock of the wall to stamp by. */
export interface MachineTime {
  monotonicMs(): number;
  wallNs(): bigint;
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

export const MACHINE_TIME: MachineTime = {
  monotonicMs: () => performance.now(),
  wallNs: () => BigInt(Date.now()) * 1_000_000n,
  // An aborted sleep rejects; who waits looks at the signal himself.
  sleep: (ms, signal) => sleep(ms, undefined, { signal }).catch(() => undefined),
};

/** When a recorded moment is due: the first one at the time of start(), the others as far from it as they were recorded, divided by the rate. */
export class PlayClock {
  readonly #rate: number;
  readonly #time: MachineTime;
  #start: { stampNs: bigint; atMs: number; wallNs: bigint } | undefined;

  /** @param rate 2 plays twice as fast */
  constructor(rate: number, time: MachineTime = MACHINE_TIME) {
    this.#rate = rate;
    this.#time = time;
  }

  get isRunning(): boolean {
    return this.#start !== undefined;
  }

  start(stampNs: bigint): void {
    this.#start = { stampNs, atMs: this.#time.monotonicMs(), wallNs: this.#time.wallNs() };
  }

  stop(): void {
    this.#start = undefined;
  }

  /** Milliseconds until a recorded moment is due; negative when it is late. */
  untilMs(stampNs: bigint): number {
    return this.#sinceStartNs(stampNs) / 1e6 / this.#rate + this.#started().atMs - this.#time.monotonicMs();
  }

  /** The recorded moment that is due now. */
  nowNs(): bigint {
    const { stampNs, atMs } = this.#started();
    return stampNs + BigInt(Math.round((this.#time.monotonicMs() - atMs) * this.#rate * 1e6));
  }

  /** The time of the wall at which a recorded moment is due. */
  wallNs(stampNs: bigint): bigint {
    return this.#started().wallNs + BigInt(Math.round(this.#sinceStartNs(stampNs) / this.#rate));
  }

  /**
   * Waits until a recorded moment is due, or the signal is aborted.
   *
   * @param onTick called every `tickMs` meanwhile
   */
  async wait(stampNs: bigint, signal: AbortSignal, onTick?: () => void, tickMs = 10): Promise<void> {
    for (let restMs = this.untilMs(stampNs); restMs > 0 && !signal.aborted; restMs = this.untilMs(stampNs)) {
      await this.#time.sleep(onTick === undefined ? restMs : Math.min(restMs, tickMs), signal);
      if (restMs > tickMs) onTick?.();
    }
  }

  #sinceStartNs(stampNs: bigint): number {
    return Number(stampNs - this.#started().stampNs);
  }

  #started(): { stampNs: bigint; atMs: number; wallNs: bigint } {
    if (this.#start === undefined) throw new Error('the clock was not started');
    return this.#start;
  }
}
