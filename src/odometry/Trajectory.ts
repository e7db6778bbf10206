// SPDX-License-Identifier: MIT
import type { Pose } from './Pose.ts';
import { compose, interpolate, inverse } from './se3.ts';
import type { FinalPose } from './types.ts';

/** One image on its way to a final pose: it has a pose of its own, or follows another frame rigidly. */
export interface TrajectoryEntry {
  readonly sequence: number;
  readonly stampNs: bigint;
  readonly segment: number;
  isKeyframe: boolean;
  /** T_camera_segment, once nothing will change it. */
  settled: Pose | undefined;
  /** Set when the frame was dropped: T_this_camera = relative * T_followed_camera. */
  follows: { entry: TrajectoryEntry; relative: Pose } | undefined;
  /** Set when the frame never took part: it lies between two that did, at this share of the time between them. */
  between: { before: TrajectoryEntry; after: TrajectoryEntry; share: number } | undefined;
}

/** Before initialisation a camera may stand still for hours; older images of that time get no pose. */
const MAX_WAITING = 2000;

/**
 * Poses on their way out: every accepted image waits here until its pose is final, then leaves in the order of the images. Memory is bounded by the windows.
 */
export class Trajectory {
  #waiting: TrajectoryEntry[] = [];
  /** Passed over since the last frame that takes part. */
  readonly #passed: TrajectoryEntry[] = [];
  #last: TrajectoryEntry | undefined;

  /** A frame that takes part in the window. Those passed over since the last one lie between the two. */
  add(sequence: number, stampNs: bigint, segment: number): TrajectoryEntry {
    const entry = this.#push(sequence, stampNs, segment, true);
    const before = this.#last;
    if (before !== undefined) {
      const span = Number(stampNs - before.stampNs);
      for (const passed of this.#passed) {
        passed.between = { before, after: entry, share: Number(passed.stampNs - before.stampNs) / span };
      }
    }
    this.#passed.length = 0;
    this.#last = entry;
    return entry;
  }

  /** A frame that moved too little to take part. */
  pass(sequence: number, stampNs: bigint, segment: number): void {
    this.#passed.push(this.#push(sequence, stampNs, segment, false));
    if (this.#passed.length > MAX_WAITING) this.#passed.shift();
  }

  /** The frame is dropped; its pose follows another's from now on. */
  follow(entry: TrajectoryEntry, followed: TrajectoryEntry, relative: Pose): void {
    entry.isKeyframe = false;
    entry.follows = { entry: followed, relative };
  }

  /** Poses that are final now, as T_world_camera; T_world_segment places the segment in the world. */
  takeFinal(T_world_segment: Pose): FinalPose[] {
    const out: FinalPose[] = [];
    for (let entry = this.#waiting[0]; entry !== undefined; entry = this.#waiting[0]) {
      const pose = resolve(entry);
      if (pose === undefined) break;
      this.#waiting.shift();
      out.push({
        stampNs: entry.stampNs,
        sequence: entry.sequence,
        T_world_camera: compose(T_world_segment, inverse(pose)),
        segment: entry.segment,
        isKeyframe: entry.isKeyframe,
      });
    }
    return out;
  }

  /** Forgets images without a final pose from this sequence number on. */
  discardFrom(sequence: number): void {
    this.#waiting = this.#waiting.filter((entry) => entry.sequence < sequence);
  }

  get waitingCount(): number {
    return this.#waiting.length;
  }

  #push(sequence: number, stampNs: bigint, segment: number, isKeyframe: boolean): TrajectoryEntry {
    const pose = { settled: undefined, follows: undefined, between: undefined };
    const entry: TrajectoryEntry = { sequence, stampNs, segment, isKeyframe, ...pose };
    this.#waiting.push(entry);
    if (this.#waiting.length > MAX_WAITING) this.#waiting.shift();
    return entry;
  }
}

/** T_camera_segment of an entry if it is final. */
function resolve(entry: TrajectoryEntry): Pose | undefined {
  entry.settled ??= followed(entry) ?? inBetween(entry);
  return entry.settled;
}

function followed({ follows }: TrajectoryEntry): Pose | undefined {
  const base = follows && resolve(follows.entry);
  return base && compose(follows.relative, base);
}

function inBetween({ between }: TrajectoryEntry): Pose | undefined {
  const before = between && resolve(between.before);
  const after = between && resolve(between.after);
  return before && after && inverse(interpolate(inverse(before), inverse(after), between.share));
}
