// SPDX-License-Identifier: MIT
import type { MachineTime } from '../../../../src/ros/publish/PlayClock.ts';

/** Time that passes only while somebody sleeps, or is made to. */
export class FakeTime implements MachineTime {
  ms = 1000;
  readonly sleeps: number[] = [];
  /** Called in each sleep. */
  onSleep: () => void = () => undefined;

  monotonicMs(): number {
    return this.ms;
  }

  wallNs(): bigint {
    return 1_700_000_000_000_000_000n + BigInt(Math.round(this.ms * 1e6));
  }

  async sleep(ms: number): Promise<void> {
    this.sleeps.push(ms);
    this.ms += ms;
    this.onSleep();
  }
}
