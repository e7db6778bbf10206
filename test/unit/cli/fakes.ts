// SPDX-License-Identifier: MIT

import type { Odometry } from '../../../src/cli/runSequence.ts';
import type { StampedPose } from '../../../src/odometry/Pose.ts';
import type { FinalPose, FinishResult, TrackResult } from '../../../src/odometry/types.ts';
import type { Output } from '../../../src/outputs/Output.ts';
import type { RunSummary } from '../../../src/outputs/RunSummary.ts';
import type { FrameRange, ImageFrame, Source, SourceInfo, SourceItem } from '../../../src/sources/Source.ts';

export const INFO: SourceInfo = {
  kind: 'list',
  path: 'list',
  imageCount: undefined,
  firstStampNs: undefined,
  lastStampNs: undefined,
  imageTopic: undefined,
  cameraInfoTopic: undefined,
  width: 4,
  height: 4,
  encoding: 'mono8',
  topics: [],
};

/** A stamp (an image), the text of a fault, the end of a damaged container, or an error that ends the stream. */
export type ListItem = bigint | string | { end: string } | Error;

/** A source of 4x4 images from a list. All images share one buffer, which is overwritten by each: borrowed data that is kept shows. */
export class ListSource implements Source {
  readonly info = INFO;
  readonly calibration = undefined;
  readonly groundTruth: StampedPose[] | undefined;
  readonly #items: readonly ListItem[];

  constructor(items: readonly ListItem[], groundTruth?: StampedPose[]) {
    this.#items = items;
    this.groundTruth = groundTruth;
  }

  async *frames(_range?: FrameRange): AsyncIterableIterator<SourceItem> {
    const data = new Uint8Array(16);
    for (const item of this.#items) {
      if (item instanceof Error) throw item;
      if (typeof item === 'string') {
        yield { stampNs: undefined, fault: item };
        continue;
      }
      if (typeof item === 'object') {
        yield { stampNs: undefined, fault: item.end, isEnd: true };
        continue;
      }
      data.fill(Number(item % 256n));
      yield { stampNs: item, width: 4, height: 4, encoding: 'mono8', step: 4, isBigEndian: false, data };
      data.fill(255);
    }
  }

  async close(): Promise<void> {}
}

/** Stands at x = number of the frame; the first two frames have no pose; each pose is final one frame later. */
export class CountingOdometry implements Odometry {
  readonly stamps: bigint[] = [];
  finished = 0;
  #pending: FinalPose[] = [];
  readonly #delayMs: number;

  constructor(delayMs = 0) {
    this.#delayMs = delayMs;
  }

  async track(frame: ImageFrame): Promise<TrackResult> {
    const expected = Number(frame.stampNs % 256n);
    if (frame.data.some((value) => value !== expected)) throw new Error('these are not the pixels of this frame');
    if (this.#delayMs > 0) await new Promise((resolve) => setTimeout(resolve, this.#delayMs));
    if (frame.data.some((value) => value !== expected)) throw new Error('the pixels changed while they were lent');
    const isStale = this.stamps.some((stamp) => stamp >= frame.stampNs);
    const sequence = this.stamps.push(frame.stampNs) - 1;
    const finalPoses = this.#pending;
    const T_world_camera = {
      t: [sequence, 0, 0] as [number, number, number],
      q: [0, 0, 0, 1] as [number, number, number, number],
    };
    const hasPose = sequence >= 2 && !isStale;
    this.#pending = hasPose
      ? [{ stampNs: frame.stampNs, sequence, T_world_camera, segment: 0, isKeyframe: sequence % 2 === 0 }]
      : [];
    return {
      sequence,
      stampNs: frame.stampNs,
      state: hasPose ? 'TRACKING' : 'INITIALIZING',
      skipped: isStale,
      reason: isStale ? 'the stamp goes back' : '',
      segment: 0,
      T_world_camera: hasPose ? T_world_camera : undefined,
      poseCovariance: undefined,
      isKeyframe: false,
      init: undefined,
      health: undefined,
      finalPoses,
      finalPoints: [],
      pairs: hasPose ? 7 : 0,
      stagesMs: { encode: 10, update: 20 },
      latencyMs: 30,
    };
  }

  async finish(): Promise<FinishResult> {
    this.finished++;
    return { finalPoses: this.#pending, finalPoints: [] };
  }
}

/** Keeps what it is given, and fails where it is told to. */
export class MemoryOutput implements Output {
  readonly path = 'memory';
  readonly stamps: bigint[] = [];
  readonly finalStamps: bigint[] = [];
  summary: RunSummary | undefined;
  readonly #failAt: number;

  constructor(failAt = Number.POSITIVE_INFINITY) {
    this.#failAt = failAt;
  }

  async write(result: TrackResult): Promise<void> {
    if (this.stamps.length === this.#failAt) throw new Error('disk full');
    this.stamps.push(result.stampNs);
    this.finalStamps.push(...result.finalPoses.map((pose) => pose.stampNs));
  }

  async finish(end: FinishResult, summary: RunSummary): Promise<void> {
    this.finalStamps.push(...end.finalPoses.map((pose) => pose.stampNs));
    this.summary = summary;
  }
}
