// SPDX-License-Identifier: MIT
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../error.ts';
import type { FrameQueue } from '../odometry/FrameQueue.ts';
import type { FrameFault, FrameRange, ImageFrame, Source, SourceItem } from '../sources/Source.ts';

export interface FeedListener {
  /** @param waitedMs time until the source, which decodes ahead, had the image */
  onImage(waitedMs: number): void;
  /** An image that could not be had; the end of a damaged container is told by FeedEnd instead. */
  onFault(fault: FrameFault): void;
}

/** How the images came to an end. `damaged`: the container could not be read on. */
export interface FeedEnd {
  damaged: string | undefined;
  cause: unknown;
}

/**
 * Moves the images of a source into the queue until the end or the abort, and ends the queue. Never rejects: see FeedEnd.
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
  const waitUntilDue = options.realtime ? pacer(options.signal) : undefined;
  let items: AsyncIterator<SourceItem> | undefined;
  try {
    items = source.frames(range);
    while (!options.signal.aborted) {
      const startMs = performance.now();
      const next = await items.next();
      if (next.done) break;
      const item = next.value;
      if (isFault(item)) {
        if (item.isEnd) return { damaged: options.signal.aborted ? undefined : item.fault, cause: undefined };
        listener.onFault(item);
        continue;
      }
      listener.onImage(performance.now() - startMs);
      await waitUntilDue?.(item.stampNs);
      await queue.push(item);
    }
    return { damaged: undefined, cause: undefined };
  } catch (error) {
    return { damaged: messageOf(error), cause: error };
  } finally {
    queue.end();
    await closed(items);
  }
}

/** Ends an iteration. What that may complain about comes too late: the images are had, or the run has failed already. */
async function closed(items: AsyncIterator<SourceItem> | undefined): Promise<void> {
  try {
    await items?.return?.();
  } catch {
    // Nothing is lost by it.
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
