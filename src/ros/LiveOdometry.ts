// SPDX-License-Identifier: MIT
import { type OdometryOptions, PatchOdometry } from '../odometry/PatchOdometry.ts';
import { ProcessOdometry } from '../odometry/process/ProcessOdometry.ts';
import type { TrackingView } from '../odometry/TrackingView.ts';

/** The part of PatchOdometry that a live node needs. */
export interface LiveOdometry extends Pick<PatchOdometry, 'track' | 'restart' | 'close'> {
  /** Memory on the host of a process that it has to itself. */
  readonly residentBytes?: number;
  /** What was seen last, when this is called; undefined when there is nothing. */
  view(): TrackingView | undefined | Promise<TrackingView | undefined>;
}

/** On a GPU in a process of its own, so that the node outlives whatever befalls the GPU; else in this one. */
export function openLive(options: OdometryOptions): Promise<LiveOdometry> {
  return options.device === 'cuda' ? ProcessOdometry.open(options) : PatchOdometry.create(options);
}
