// SPDX-License-Identifier: MIT
import type { FrameRange, Source } from '../../sources/Source.ts';
import type { PlayClock } from './PlayClock.ts';
import type { SourcePublisher } from './SourcePublisher.ts';

export interface PlayOptions {
  range: FrameRange;
  /** Begins again at the end, until the signal. */
  loop: boolean;
  /** Stamps are those of the wall at publication instead of the recorded ones. */
  stampNow: boolean;
  /** Publish the time between the images as well. */
  ticks: boolean;
}

export interface PlayListener {
  /** An image that could not be had. */
  onFault(fault: string): void;
}

export interface PlayOutcome {
  published: number;
  faults: number;
  /** Greatest delay of an image behind its time, milliseconds. */
  latestMs: number;
  /** Why the recording could not be read to its end; undefined when it was. */
  damaged: string | undefined;
}

/** Publishes the images of a source at the speed they were recorded with. */
export async function playSource(
  source: Source,
  publisher: SourcePublisher,
  clock: PlayClock,
  options: PlayOptions,
  listener: PlayListener,
  signal: AbortSignal,
): Promise<PlayOutcome> {
  const outcome: PlayOutcome = { published: 0, faults: 0, latestMs: 0, damaged: undefined };
  do {
    clock.stop();
    const before = outcome.published;
    await playOnce(source, publisher, clock, options, listener, signal, outcome);
    // A recording without a single image would be opened without end.
    if (outcome.published === before) break;
  } while (options.loop && outcome.damaged === undefined && !signal.aborted);
  return outcome;
}

async function playOnce(
  source: Source,
  publisher: SourcePublisher,
  clock: PlayClock,
  options: PlayOptions,
  listener: PlayListener,
  signal: AbortSignal,
  outcome: PlayOutcome,
): Promise<void> {
  const restamp = options.stampNow ? (stampNs: bigint) => clock.wallNs(stampNs) : (stampNs: bigint) => stampNs;
  const onTick = options.ticks ? () => publisher.clock(clock.nowNs()) : undefined;
  for await (const item of source.frames(options.range)) {
    if (signal.aborted) return;
    if ('fault' in item) {
      if (item.isEnd) {
        outcome.damaged = item.fault;
      } else {
        listener.onFault(item.fault);
        outcome.faults++;
      }
      continue;
    }
    if (!clock.isRunning) {
      clock.start(item.stampNs);
      publisher.begin(item.stampNs);
    }
    await clock.wait(item.stampNs, signal, onTick);
    if (signal.aborted) return;
    outcome.latestMs = Math.max(outcome.latestMs, -clock.untilMs(item.stampNs));
    publisher.frame(item, restamp);
    outcome.published++;
  }
}
