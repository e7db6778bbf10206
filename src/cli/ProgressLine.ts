// SPDX-License-Identifier: MIT
import { SingleBar } from 'cli-progress';
import type { FrameRange, SourceInfo } from '../sources/Source.ts';
import type { RunProgress } from './runSequence.ts';

/** Seconds between lines when the output is no terminal. */
const LINE_INTERVAL_S = 3;
const MAX_WARNINGS = 10;

/** Progress on stderr: a bar with the remaining time on a terminal, a plain line every few seconds otherwise. */
export class ProgressLine {
  readonly #total: number | undefined;
  readonly #bar: SingleBar | undefined;
  #lastLineMs = performance.now();
  #warnings = 0;

  /** @param total frames that will come, if known */
  constructor(total: number | undefined, isTerminal = process.stderr.isTTY === true) {
    this.#total = total;
    if (!isTerminal || total === undefined) return;
    this.#bar = new SingleBar({
      format: '{bar} {percentage}% | {value}/{total} frames | {fps} frames/s | {eta_formatted} left | {state}',
      barsize: 24,
      stream: process.stderr,
      hideCursor: true,
      gracefulExit: false,
      barCompleteChar: '#',
      barIncompleteChar: '-',
    });
    this.#bar.start(total, 0, { fps: '-', state: 'INITIALIZING' });
  }

  update(progress: RunProgress): void {
    if (this.#bar !== undefined) {
      this.#bar.update(progress.processed, { fps: progress.fps.toFixed(1), state: stateText(progress) });
      return;
    }
    const nowMs = performance.now();
    if (nowMs - this.#lastLineMs < 1000 * LINE_INTERVAL_S) return;
    this.#lastLineMs = nowMs;
    console.error(progressText(progress, this.#total));
  }

  /** Prints a warning; after the first few only their number is told, at the end. */
  warn(text: string): void {
    if (this.#warnings++ < MAX_WARNINGS) this.note(text);
  }

  /** Prints a line of its own. */
  note(text: string): void {
    // On a terminal the bar stands on this line; the next update draws it again below.
    console.error(this.#bar === undefined ? text : `\r\x1b[K${text}`);
  }

  stop(): void {
    this.#bar?.stop();
    if (this.#warnings > MAX_WARNINGS) console.error(`${this.#warnings - MAX_WARNINGS} more images skipped`);
  }
}

/** "120/585 frames, 6.4 frames/s, 73 s left, TRACKING" */
export function progressText(progress: RunProgress, total: number | undefined): string {
  const left =
    total === undefined || progress.fps === 0
      ? []
      : [`${Math.max(0, Math.round((total - progress.processed) / progress.fps))} s left`];
  return [
    `${progress.processed}${total === undefined ? '' : `/${total}`} frames`,
    `${progress.fps.toFixed(1)} frames/s`,
    ...left,
    stateText(progress),
  ].join(', ');
}

function stateText({ state, segment }: RunProgress): string {
  return segment === 0 ? state : `${state} (segment ${segment})`;
}

/** Frames that a range of a source will bring; undefined when the source does not know its length. Exact for a constant frame rate. */
export function expectedFrames(info: SourceInfo, range: FrameRange): number | undefined {
  const { imageCount, firstStampNs, lastStampNs } = info;
  if (imageCount === undefined) return undefined;
  let share = 1;
  if (firstStampNs !== undefined && lastStampNs !== undefined && lastStampNs > firstStampNs) {
    const durationS = Number(lastStampNs - firstStampNs) / 1e9;
    const endS = Math.min(range.endS ?? durationS, durationS);
    share = Math.max(0, endS - (range.startS ?? 0)) / durationS;
  }
  return Math.max(1, Math.ceil((imageCount * share) / (range.stride ?? 1)));
}
