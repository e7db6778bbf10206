// SPDX-License-Identifier: MIT
import type { Pose } from './Pose.ts';
import { compose, inverse } from './se3.ts';
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
}

/** Before initialisation a camera may stand still for hours; older images of that time get no pose. */
const MAX_WAITING = 2000;

/**
 * Poses on their way out: every accepted image waits here until its pose is final, then leaves in the order of the images. Memory is bounded by the windows.
 */
export class Trajectory {
  #waiting: TrajectoryEntry[] = [];

  add(sequence: number, stampNs: bigint, segment: number): TrajectoryEntry {
    const entry: TrajectoryEntry = {
      sequence,
      stampNs,
      segment,
      isKeyframe: true,
      settled: undefined,
      follows: undefined,
    };
    this.#waiting.push(entry);
    if (this.#waiting.length > MAX_WAITING) this.#waiting.shift();
    return entry;
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
}

/** T_camera_segment of an entry if it is final; chains of followers are shortened on the way. */
function resolve(entry: TrajectoryEntry): Pose | undefined {
  if (entry.settled !== undefined || entry.follows === undefined) return entry.settled;
  const base = resolve(entry.follows.entry);
  if (base === undefined) return undefined;
  entry.settled = compose(entry.follows.relative, base);
  entry.follows = undefined;
  return entry.settled;
}
