// SPDX-License-Identifier: MIT
import type { RectifiedCamera } from '../camera/RectifiedCamera.ts';
import type { CameraImage } from '../messages/pixels.ts';
import type { BundleAdjustOptions, CellArea, PatchSelection, SharedBuffers } from '../native/addon.ts';
import type { ModelManifest } from '../network/manifest.ts';
import type { PairBatch } from '../network/Network.ts';
import type { PairStorage } from './PatchGraph.ts';

/**
 * Arrays in host memory, shapes as in OpsBuffers. The odometry writes the pair tables, pose variables, poses and, for another start, inverse depths; all others are as of
 * the last readBack(), and image, centre, delta and weight, which are large, as of the last refreshView().
 */
export type FrameBuffers = SharedBuffers;

/** The pairs of an update, without their arrays. */
export type PairTables = Pick<PairBatch, 'count' | 'source' | 'sourceIndex' | 'previous' | 'next'>;

/** Evidence over the first `pairCount` pairs whose flag is not 0; lengths in grid px. */
export interface HealthQuestion {
  pairCount: number;
  flags: Uint8Array;
  inlierThreshold: number;
  minConfidence: number;
  margin: number;
}

export interface HealthAnswer {
  medianConfidence: number;
  residual: number;
  inlierShare: number;
  edges: number;
}

/** Flow of the patches of slot `source` seen in slot `target`; beta weighs the full flow against that of the translation alone. */
export interface FlowQuestion {
  source: number;
  target: number;
  beta: number;
}

/** Grid px. */
export interface FlowAnswer {
  mean: number;
  parallax: number;
}

/** What the odometry wants to know before it goes on. */
export interface Questions {
  /** Delta and weight of so many pairs, from the first. */
  pairs: number;
  health: readonly HealthQuestion[];
  flows: readonly FlowQuestion[];
}

export interface Answers {
  /** Of the last bundle adjustment: false when it had to skip a step. */
  solved: boolean;
  validEdges: number;
  /** In the order of the questions. */
  health: HealthAnswer[];
  flows: (FlowQuestion & FlowAnswer)[];
}

export const NO_QUESTIONS: Questions = { pairs: 0, health: [], flows: [] };

/**
 * What computes the frames: ops and networks of one run, on the CPU or on a GPU. A call takes its arguments, and the tables it reads, before its promise resolves. The
 * CPU is then done; a GPU has the work in its queue, and readBack() is the only call that waits for it. One call at a time.
 */
export interface FrameDevice extends PairStorage {
  readonly manifest: ModelManifest;
  readonly camera: RectifiedCamera;
  /** Where patches are sampled. */
  readonly area: CellArea;
  readonly buffers: FrameBuffers;

  /** Undistorts, downscales and normalises. The bytes are read before the promise resolves. */
  prepareImage(image: CameraImage): Promise<void>;
  samplePatches(
    slot: number,
    seed: number,
    sequence: number,
    selection: PatchSelection,
    inverseDepth: number,
  ): Promise<void>;
  /** Both encoders over the newest image and its patches. */
  encode(): Promise<void>;
  /** The odometry wrote buffers.poses of this slot. */
  setPose(slot: number): void;
  /** The odometry wrote buffers.inverseDepth of this slot, after a readBack() and nothing since. */
  setInverseDepths(slot: number): void;
  insertFrame(slot: number): Promise<void>;
  correlate(pairCount: number): Promise<void>;
  /** The update operator over the pairs; the hidden states it reads stay those of before until swap(). */
  update(pairs: PairTables): Promise<void>;
  /** What update() wrote is what the next one reads. */
  swap(): void;
  bundleAdjust(pairCount: number, options: BundleAdjustOptions): Promise<void>;
  /** Waits until all is done, and answers. */
  readBack(questions: Questions): Promise<Answers>;
  /** World points of a slot's patches as of the last readBack(), [M][3]. */
  pointCloud(slot: number): Float32Array;
  /** Brings the large arrays up to date; waits where they are elsewhere. */
  refreshView(): void;
  /** Once; later calls are refused with QPVO_CLOSED. */
  close(): Promise<void>;
}
