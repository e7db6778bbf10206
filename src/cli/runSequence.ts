// SPDX-License-Identifier: MIT
import { QpvoError } from '../error.ts';
import { FrameQueue } from '../odometry/FrameQueue.ts';
import type { FinishResult, TrackingState, TrackResult } from '../odometry/types.ts';
import type { Output } from '../outputs/Output.ts';
import type { RunSummary } from '../outputs/RunSummary.ts';
import type { FrameRange, ImageFrame, Source } from '../sources/Source.ts';
import { type FeedEnd, feedFrames } from './frameFeed.ts';
import { RunRecorder, type RunSettings } from './RunRecorder.ts';

/** The part of PatchOdometry that a run needs. */
export interface Odometry {
  track(frame: ImageFrame): Promise<TrackResult>;
  finish(): Promise<FinishResult>;
}

export interface RunProgress {
  /** Frames that the odometry has taken. */
  processed: number;
  fps: number;
  state: TrackingState;
  segment: number;
}

export interface RunRequest {
  source: Source;
  odometry: Odometry;
  outputs: readonly Output[];
  range: FrameRange;
  settings: RunSettings;
  /** Ends the run early, with everything so far written and closed. */
  signal?: AbortSignal;
  onProgress?(progress: RunProgress): void;
  /** A frame that could not be used, in words. */
  onNotice?(text: string): void;
}

export interface RunOutcome {
  summary: RunSummary;
  /** Why the run did not reach its end; absent also when it was interrupted through the signal. */
  failure?: unknown;
}

/** Frames that wait for the odometry. In a live run only the newest counts; in another, sources decode ahead by themselves. */
const QUEUE_CAPACITY = 1;

/**
 * Runs the odometry over a source: source -> queue -> odometry -> outputs. Whatever ends the run, the outputs are finished with what there is.
 * Never rejects because of the source, the odometry or the outputs: see `failure`.
 */
export async function runSequence(request: RunRequest): Promise<RunOutcome> {
  const { source, odometry, outputs, settings } = request;
  const stop = new AbortController();
  const signal = request.signal === undefined ? stop.signal : AbortSignal.any([stop.signal, request.signal]);
  const queue = new FrameQueue(settings.realtime ? 'live' : 'bag', QUEUE_CAPACITY);
  signal.addEventListener('abort', () => queue.end());
  const recorder = new RunRecorder(settings, source.groundTruth);
  const failures: unknown[] = [];

  const feed = feedFrames(source, request.range, queue, feedListener(recorder, request), {
    realtime: settings.realtime,
    signal,
  });
  try {
    for (let frame = await queue.take(); frame !== undefined && !signal.aborted; frame = await queue.take()) {
      const result = await odometry.track(frame);
      report(result, recorder, request);
      for (const output of outputs) await output.write(result);
    }
  } catch (error) {
    failures.push(error);
    stop.abort();
  }
  const feedEnd = await feed;
  const interrupted = request.signal?.aborted ?? false;
  if (failures.length === 0) failures.push(...sourceFailure(feedEnd, recorder, interrupted));

  const end = await odometry.finish().catch((error: unknown): FinishResult => {
    failures.push(error);
    return { finalPoses: [], finalPoints: [] };
  });
  recorder.addFinalPoses(end.finalPoses);
  const summary = recorder.summary(queue.dropped, interrupted || failures.length > 0);
  for (const output of outputs) await output.finish(end, summary).catch((error: unknown) => failures.push(error));
  return failures.length === 0 ? { summary } : { summary: { ...summary, incomplete: true }, failure: failures[0] };
}

function feedListener(recorder: RunRecorder, request: RunRequest): Parameters<typeof feedFrames>[3] {
  return {
    onImage: (waitedMs) => recorder.addStage('wait', waitedMs),
    onFault: ({ fault, stampNs }) => {
      recorder.addFault(fault);
      request.onNotice?.(`${stampNs === undefined ? '' : `image at ${stampNs} ns `}skipped: ${fault}`);
    },
  };
}

function report(result: TrackResult, recorder: RunRecorder, request: RunRequest): void {
  recorder.addResult(result);
  if (result.skipped) request.onNotice?.(`image at ${result.stampNs} ns skipped: ${result.reason}`);
  request.onProgress?.({
    processed: recorder.processed,
    fps: recorder.fps,
    state: result.state,
    segment: result.segment,
  });
}

/** The source's part in the failure of a run: none, damaged, or without any image. */
function sourceFailure(end: FeedEnd, recorder: RunRecorder, interrupted: boolean): unknown[] {
  if (end.cause !== undefined) return [end.cause];
  if (end.damaged !== undefined) {
    return [
      new QpvoError('QPVO_SOURCE_CORRUPT', {
        what: `the recording cannot be read beyond image ${recorder.processed}`,
        received: end.damaged,
        advice: 'The images before it were processed, and the output files are complete up to there.',
      }),
    ];
  }
  if (recorder.processed > 0 || interrupted) return [];
  if (recorder.faults > 0) {
    return [
      new QpvoError('QPVO_SOURCE_CORRUPT', {
        what: 'no image of the recording can be read',
        received: `${recorder.faults} damaged ones`,
        advice: 'The reasons are told above.',
      }),
    ];
  }
  return [
    new QpvoError('QPVO_SOURCE_EMPTY', {
      what: 'no image in the chosen part of the recording',
      advice: 'Check --start, --end and --stride against `qpvo info`.',
    }),
  ];
}
