// SPDX-License-Identifier: MIT
import type { FinishResult, TrackResult } from '../odometry/types.ts';
import type { RunSummary } from './RunSummary.ts';

/** A file written while the run goes on. One implementation per format. */
export interface Output {
  /** Path of the file, for the closing message. */
  readonly path: string;
  /** Takes what one frame brought. Rejects with QPVO_OUTPUT (disk full, no permission); the file so far stays valid. */
  write(result: TrackResult): Promise<void>;
  /** Writes the rest and closes the file; called once, also after an interrupted run. */
  finish(end: FinishResult, summary: RunSummary): Promise<void>;
}
