// SPDX-License-Identifier: MIT
// How the odometry uses a network:
//
//   const network = await openNetwork(modelDir, { threads, runtime, precision });   // verifies and loads the model
//   network.allocate({ height, width, patches, ..., buffers });                     // once; fixes shapes and the buffers of encode()
//   await network.encode();                                                         // buffers.image, .cells -> .features, .context
//   await network.update(batch);                                                    // one pass of the update operator over all pairs
//   await network.close();
//
// All arrays belong to the caller, are dense and row-major, and may lie in memory of the native addon. They are read and written between a call
// and the settling of its promise, never later. One call in flight: a second one rejects with QPVO_BUSY, after close() with QPVO_CLOSED.
import type { CorrelationForm } from '../native/addon.ts';
import type { ModelManifest } from './manifest.ts';

/** Arrays of encode(). C input channels, M patches, F feature width, D hidden width; the grid is height / 4 by width / 4. */
export interface EncoderBuffers {
  /** In: [C][height][width], normalised as the manifest says (x = 2 I / 255 - 0.5). */
  readonly image: Float32Array;
  /** In: [M] grid cells of the patch centres, y * gridWidth + x. */
  readonly cells: Int32Array;
  /** Out: [F][gridHeight][gridWidth] matching features. */
  readonly features: Float32Array;
  /** Out: [M][D] context features of the patches. */
  readonly context: Float32Array;
}

/** Sizes of a run. */
export interface NetworkShape {
  /** Network image in pixels, multiples of 16. */
  height: number;
  width: number;
  /** Patches per frame, M. */
  patches: number;
  /** Most pairs of one update. */
  maxPairs: number;
  /** Most source frames of one update. */
  maxSources: number;
  /** Slots of the context ring, R. */
  ringSlots: number;
  buffers: EncoderBuffers;
}

/**
 * One update of P complete (source frame, target frame) pairs. Pairs may stand in any order. Only the first P entries or pair blocks of an array
 * count. `hiddenIn` and `hiddenOut` must be different arrays.
 */
export interface PairBatch {
  /** Number of pairs, P. */
  count: number;
  /** [P] ring slot of the source frame. */
  source: Int32Array;
  /** [P] index of the source among the sources of this update. */
  sourceIndex: Int32Array;
  /** [P] the pair of the same source with the next older target that exists; -1 = none. */
  previous: Int32Array;
  /** [P] the same with the next newer target. */
  next: Int32Array;
  /** [P][M][D]; zero for new pairs. */
  hiddenIn: Float32Array;
  /** Out: [P][M][D]. */
  hiddenOut: Float32Array;
  /** [R][M][D] context features by ring slot. */
  contextRing: Float32Array;
  /** [P][M][levels * 9 * 49] in the order [level][py][px][dy][dx]. */
  correlation: Float32Array;
  /** The same as bytes, in place of it, in the CorrelationForm of the network. */
  correlationBytes?: Uint8Array | undefined;
  /** Out: [P][M][2] correction of the reprojected patch centre (dx, dy), grid px. */
  delta: Float32Array;
  /** Out: [P][M][2] confidence (wx, wy), 0..1. */
  weight: Float32Array;
}

/** Encoders and update operator of one model, whatever runs them. */
export interface Network {
  readonly manifest: ModelManifest;
  /** How the update operator can take the correlation as bytes; undefined when it cannot. */
  readonly correlationForm: CorrelationForm | undefined;
  /** @throws QPVO_BUSY while a call is in flight */
  allocate(shape: NetworkShape): void;
  encode(): Promise<void>;
  update(batch: PairBatch): Promise<void>;
  close(): Promise<void>;
}
