// SPDX-License-Identifier: MIT
import type { Pose } from '../../odometry/Pose.ts';
import { interpolate } from '../../odometry/se3.ts';
import { unitPose } from './unitPose.ts';

/** Reference messages farther apart say nothing about the time between them. */
export const MAX_GAP_NS = 1_000_000_000n;

/** A stamp that goes back by more is another pass over a recording, not a message out of order. */
export const LOOP_NS = 500_000_000n;

/** Images wait for the reference, and come late after heavy frames: no longer than this. */
const KEEP_NS = 20_000_000_000n;

interface Sample {
  stampNs: bigint;
  T_ref_base: Pose;
  run: number;
}

/** A pose between two messages; within a run there is no gap. */
export interface ReferencePose {
  T_ref_base: Pose;
  run: number;
}

/** The last seconds of a reference trajectory, to be asked at the stamps of images. */
export class ReferenceTrack {
  #samples: Sample[] = [];
  #run = 0;

  get newestNs(): bigint | undefined {
    return this.#samples.at(-1)?.stampNs;
  }

  /** Messages that are held. */
  get length(): number {
    return this.#samples.length;
  }

  /** When stamps begin anew, all before is forgotten. @returns false when it was ignored: no pose, or a stamp that did not go forward */
  add(stampNs: bigint, T_ref_base: Pose): boolean {
    const pose = unitPose(T_ref_base);
    if (pose === undefined) return false;
    const newest = this.newestNs;
    const back = newest === undefined ? -1n : newest - stampNs;
    if (back >= 0n && back <= LOOP_NS) return false;
    if (back > LOOP_NS) this.#samples = [];
    if (back > LOOP_NS || -back > MAX_GAP_NS) this.#run++;
    this.#samples.push({ stampNs, T_ref_base: pose, run: this.#run });
    const keep = this.#samples.findIndex((sample) => stampNs - sample.stampNs <= KEEP_NS);
    if (keep > 0) this.#samples.splice(0, keep);
    return true;
  }

  /** Interpolated; undefined before the first message, after the newest and in gaps. */
  at(stampNs: bigint): ReferencePose | undefined {
    const before = this.#samples.findLastIndex((sample) => sample.stampNs <= stampNs);
    const a = this.#samples[before];
    if (a === undefined || a.stampNs === stampNs) return a;
    const b = this.#samples[before + 1];
    if (b === undefined || b.run !== a.run) return undefined;
    const share = Number(stampNs - a.stampNs) / Number(b.stampNs - a.stampNs);
    return { T_ref_base: interpolate(a.T_ref_base, b.T_ref_base, share), run: a.run };
  }
}
