// SPDX-License-Identifier: MIT
import { AteAccumulator } from '../evaluation/AteAccumulator.ts';
import type { StampedPose } from '../odometry/Pose.ts';
import type { FinalPose, Stage, TrackResult } from '../odometry/types.ts';
import type { RunSummary, SegmentSummary } from '../outputs/RunSummary.ts';
import { packageVersion } from '../packageRoot.ts';
import { hostInfo, peakRssMb } from './hostInfo.ts';
import { Samples } from './Samples.ts';
import { SkipReasons } from './SkipReasons.ts';

/** What a summary says about the settings of a run. */
export interface RunSettings {
  source: string;
  profile: string;
  model: string;
  seed: number;
  realtime: boolean;
}

/** Gathers the numbers of a run while it goes on. Memory: a few bytes per frame. */
export class RunRecorder {
  readonly #settings: RunSettings;
  readonly #ate: AteAccumulator | undefined;
  readonly #latencyMs = new Samples();
  readonly #pairs = new Samples();
  readonly #stagesMs = new Map<Stage, Samples>();
  readonly #skipReasons = new SkipReasons();
  readonly #segments = new Map<number, SegmentSummary>();
  readonly #startMs = performance.now();
  #lastResultMs = this.#startMs;
  #processed = 0;
  #poses = 0;
  #keyframes = 0;
  #faults = 0;
  #unusable = 0;

  constructor(settings: RunSettings, groundTruth: readonly StampedPose[] | undefined) {
    this.#settings = settings;
    this.#ate = groundTruth === undefined ? undefined : new AteAccumulator(groundTruth);
  }

  /** Frames that the odometry has taken. */
  get processed(): number {
    return this.#processed;
  }

  /** Places in the recording without a usable image. */
  get faults(): number {
    return this.#faults;
  }

  /** Frames per second from the first image to the newest result, decoding and outputs included. */
  get fps(): number {
    const elapsedMs = this.#lastResultMs - this.#startMs;
    return elapsedMs > 0 ? (1000 * this.#processed) / elapsedMs : 0;
  }

  /** Takes a place in the recording without a usable image. */
  addFault(reason: string): void {
    this.#faults++;
    this.#skipReasons.add(reason);
  }

  addStage(stage: Stage, milliseconds: number): void {
    const samples = this.#stagesMs.get(stage) ?? new Samples();
    this.#stagesMs.set(stage, samples);
    samples.add(milliseconds);
  }

  addResult(result: TrackResult): void {
    this.#lastResultMs = performance.now();
    this.#processed++;
    this.addFinalPoses(result.finalPoses);
    if (result.skipped) {
      this.#unusable++;
      this.#skipReasons.add(result.reason);
      return;
    }
    this.#latencyMs.add(result.latencyMs);
    if (result.pairs > 0) this.#pairs.add(result.pairs);
    for (const [stage, milliseconds] of Object.entries(result.stagesMs)) this.addStage(stage as Stage, milliseconds);
  }

  addFinalPoses(poses: readonly FinalPose[]): void {
    for (const pose of poses) {
      this.#poses++;
      if (pose.isKeyframe) this.#keyframes++;
      this.#ate?.add(pose.stampNs, pose.T_world_camera);
      this.#addToSegment(pose);
    }
  }

  #addToSegment(pose: FinalPose): void {
    const stamp = String(pose.stampNs);
    let segment = this.#segments.get(pose.segment);
    if (segment === undefined) {
      segment = { segment: pose.segment, firstStampNs: stamp, lastStampNs: stamp, frames: 0, keyframes: 0 };
      this.#segments.set(pose.segment, segment);
    }
    segment.lastStampNs = stamp;
    segment.frames++;
    if (pose.isKeyframe) segment.keyframes++;
  }

  /** @param dropped frames that the queue of a live run gave up */
  summary(dropped: number, incomplete: boolean): RunSummary {
    const { realtime, ...settings } = this.#settings;
    const ate = this.#ate?.summary();
    const skipReason = this.#skipReasons.main();
    return {
      ...settings,
      frames: this.#processed + this.#faults + dropped,
      tracked: this.#poses,
      lost: this.#processed - this.#unusable - this.#poses,
      skipped: this.#faults + this.#unusable,
      ...(skipReason === undefined ? {} : { skipReason }),
      ...(realtime ? { dropped } : {}),
      keyframes: this.#keyframes,
      segments: [...this.#segments.values()],
      fps: this.fps,
      latencyMs: this.#latencyMs.percentiles(),
      pairs: this.#pairs.quantile(0.5),
      stagesMs: Object.fromEntries([...this.#stagesMs].map(([stage, samples]) => [stage, samples.quantile(0.5)])),
      peakRssMb: peakRssMb(),
      ...(ate === undefined ? {} : { ate }),
      incomplete,
      host: hostInfo(),
      version: packageVersion(),
    };
  }
}
