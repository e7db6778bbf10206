// SPDX-License-Identifier: MIT
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../error.ts';
import type { FrameQueue } from '../odometry/FrameQueue.ts';
import type { FrameFault, FrameRange, ImageFrame, Source, SourceItem } from '../sources/Source.ts';

export interface FeedListener {
  /** @param waitedMs time until the source had the image: what of reading and decoding was not done ahead */
  onImage(waitedMs: number): void;
  onFault(fault: FrameFault): void;
}

/** How the images came to an end. `damaged`: the container could not be read on. */
export interface FeedEnd {
  damaged: string | undefined;
  cause: unknown;
}

/**
 * Moves the images of a source into the queue until the end or the abort, and ends the queue.
 *
 * @param realtime waits until each image is due by its stamp, counted from the first one
 */
export async function feedFrames(
  source: Source,
  range: FrameRange,
  queue: FrameQueue,
  listener: FeedListener,
  options: { realtime: boolean; signal: AbortSignal },
): Promise<FeedEnd> {
  const items = source.frames(range);
  const waitUntilDue = options.realtime ? pacer(options.signal) : undefined;
  let last: SourceItem | undefined;
  try {
    while (!options.signal.aborted) {
      const startMs = performance.now();
      const next = await items.next();
      if (next.done) break;
      last = next.value;
      if (isFault(last)) {
        listener.onFault(last);
        continue;
      }
      listener.onImage(performance.now() - startMs);
      await waitUntilDue?.(last.stampNs);
      await queue.push(last);
    }
    // A fault with nothing behind it is the end of what can be read.
    const damaged = last !== undefined && isFault(last) && !options.signal.aborted ? last.fault : undefined;
    return { damaged, cause: undefined };
  } catch (error) {
    return { damaged: messageOf(error), cause: error };
  } finally {
    queue.end();
    await items.return?.();
  }
}

function isFault(item: ImageFrame | FrameFault): item is FrameFault {
  return 'fault' in item;
}

/** A clock that starts with the first stamp; resolves when a stamp is due, or at the abort. */
function pacer(signal: AbortSignal): (stampNs: bigint) => Promise<void> {
  let first: { stampNs: bigint; atMs: number } | undefined;
  return async (stampNs) => {
    first ??= { stampNs, atMs: performance.now() };
    const dueMs = first.atMs + Number(stampNs - first.stampNs) / 1e6;
    const waitMs = dueMs - performance.now();
    // An aborted sleep rejects; the loop sees the signal itself.
    if (waitMs > 0) await sleep(waitMs, undefined, { signal }).catch(() => undefined);
  };
}
