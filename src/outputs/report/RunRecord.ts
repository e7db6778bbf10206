// SPDX-License-Identifier: MIT
import type { EstimatedPose } from '../../evaluation/associate.ts';
import type { FinalPose, MapPoint, TrackingState, TrackResult } from '../../odometry/types.ts';
import { DecimatedList } from '../DecimatedList.ts';

/** What the report keeps of a frame. */
export interface FrameSample {
  /** Seconds since the first frame. */
  atS: number;
  state: TrackingState;
  reason: string;
  segment: number;
  latencyMs: number;
  medianConfidence: number | undefined;
  inlierShare: number | undefined;
}

export interface PoseSample extends EstimatedPose {
  segment: number;
  isKeyframe: boolean;
}

const FRAMES = 4_000;
const POSES = 4_000;
const POINTS = 4_000;

/** What the report remembers of a run: bounded, thinned evenly when the run is long. */
export class RunRecord {
  readonly frames = new DecimatedList<FrameSample>(FRAMES);
  readonly poses = new DecimatedList<PoseSample>(POSES);
  readonly points = new DecimatedList<MapPoint>(POINTS);
  firstStampNs: bigint | undefined;
  lastStampNs = 0n;

  /** A skipped frame adds nothing but what became final with it. */
  add(result: TrackResult): void {
    if (!result.skipped) this.#addFrame(result);
    this.addFinal(result.finalPoses, result.finalPoints);
  }

  #addFrame(result: TrackResult): void {
    const { stampNs, state, segment, latencyMs, health } = result;
    this.firstStampNs ??= stampNs;
    if (stampNs > this.lastStampNs) this.lastStampNs = stampNs;
    this.frames.push({
      atS: this.secondsAt(stampNs),
      state,
      reason: result.reason || (result.init?.waitingFor ?? ''),
      segment,
      latencyMs,
      medianConfidence: health?.medianConfidence,
      inlierShare: health?.inlierShare,
    });
  }

  addFinal(poses: readonly FinalPose[], points: readonly MapPoint[]): void {
    for (const { stampNs, T_world_camera, segment, isKeyframe } of poses) {
      this.poses.push({ stampNs, t: T_world_camera.t, q: T_world_camera.q, segment, isKeyframe });
    }
    for (const point of points) this.points.push(point);
  }

  secondsAt(stampNs: bigint): number {
    return Number(stampNs - (this.firstStampNs ?? stampNs)) / 1e9;
  }

  /** Seconds from the first to the last frame, never zero. */
  get durationS(): number {
    return Math.max(this.secondsAt(this.lastStampNs), 1e-3);
  }
}
