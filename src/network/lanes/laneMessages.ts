// SPDX-License-Identifier: MIT
import type { ErrorCode } from '../../error.ts';
import type { Chain } from '../sourceChains.ts';
import type { NetworkSizes } from '../weights/networkSizes.ts';
import type { LentArray } from './lending.ts';

/** What a lane is started with. */
export interface LaneModel {
  sizes: NetworkSizes;
  /** The update operator; undefined when it runs elsewhere. */
  update: Uint8Array | undefined;
  /** The encoders this lane runs, with the threads of each. */
  features: { model: Uint8Array; threads: number } | undefined;
  context: { model: Uint8Array; threads: number } | undefined;
}

/** The arrays of encode(), told once. */
export interface BindRequest {
  kind: 'bind';
  height: number;
  width: number;
  patches: number;
  image: LentArray;
  cells: LentArray;
  features: LentArray;
  context: LentArray;
}

export interface EncodeRequest {
  kind: 'encode';
}

/** Work on one update. Every lane gets the same request and takes the next chain whose turn it is. */
export interface UpdateRequest {
  kind: 'update';
  patches: number;
  chains: Chain[];
  /** [1] index of the next chain that no lane has taken; shared between the lanes. */
  turn: Int32Array;
  source: Int32Array;
  hiddenIn: LentArray;
  hiddenOut: LentArray;
  contextRing: LentArray;
  correlation: LentArray;
  delta: LentArray;
  weight: LentArray;
}

export interface CloseRequest {
  kind: 'close';
}

export type LaneRequest = BindRequest | EncodeRequest | UpdateRequest | CloseRequest;

/** One answer to each request, and a first one when the lane is ready. */
export type LaneAnswer = { done: true } | { done: false; code: ErrorCode; message: string };
