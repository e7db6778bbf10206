// SPDX-License-Identifier: MIT
import type { EngineProgress } from '../../tensorrt/openEngines.ts';

/** Seconds between lines when the output is no terminal. */
const LINE_INTERVAL_S = 10;
/** Seconds between drawings on a terminal. */
const DRAW_INTERVAL_S = 0.1;

/** Progress of engine builds on stderr: one line that changes on a terminal, one every few seconds otherwise. */
export class EngineProgressLine {
  readonly #isTerminal: boolean;
  #engine = '';
  #startMs = 0;
  #lastMs = 0;
  #isDrawn = false;

  constructor(isTerminal = process.stderr.isTTY === true) {
    this.#isTerminal = isTerminal;
  }

  update(progress: EngineProgress): void {
    const nowMs = performance.now();
    const isNew = progress.graph !== this.#engine;
    if (isNew) {
      this.#engine = progress.graph;
      this.#startMs = nowMs;
    }
    const intervalS = this.#isTerminal ? DRAW_INTERVAL_S : LINE_INTERVAL_S;
    if (!isNew && nowMs - this.#lastMs < 1000 * intervalS) return;
    this.#lastMs = nowMs;
    const text = engineProgressText(progress, (nowMs - this.#startMs) / 1000);
    if (!this.#isTerminal) {
      console.error(text);
      return;
    }
    process.stderr.write(`\r\x1b[K${text.slice(0, Math.max(20, (process.stderr.columns ?? 80) - 1))}`);
    this.#isDrawn = true;
  }

  /** Prints a line of its own. */
  note(text: string): void {
    this.stop();
    console.error(text);
  }

  /** Leaves what is drawn, for whatever is printed next. */
  stop(): void {
    if (this.#isDrawn) process.stderr.write('\n');
    this.#isDrawn = false;
  }
}

/** "features (int8, engine 1 of 2): 43 % of the steps, 95 s, Building engine from subgraph" */
export function engineProgressText({ graph, precision, index, count, phase, share }: EngineProgress, seconds: number) {
  const step = phase === '' ? 'starting' : phase;
  return `${graph} (${precision}, engine ${index} of ${count}): ${Math.floor(100 * share)} % of the steps, ${Math.round(seconds)} s, ${step}`;
}
