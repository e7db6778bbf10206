// SPDX-License-Identifier: MIT
import type { ComparedRun, Comparison, ComparisonPlan, PlannedRun } from '../compare/Comparison.ts';
import { planRuns, runName } from '../compare/planRuns.ts';
import { counted, numberText } from '../compare/textTable.ts';

/** Lines of progress of `qpvo run`, as they are when its output is no terminal. */
const FRAMES = /^\d+(\/\d+)? frames, /;

/** Progress of a comparison on stderr: a line for each run that has ended; on a terminal also how far the one under way is. */
export class ComparisonProgress {
  readonly #planned: number;
  readonly #isTerminal: boolean;
  readonly #startMs = performance.now();
  #ended = 0;

  constructor(plan: ComparisonPlan, isTerminal = process.stderr.isTTY === true) {
    this.#planned = planRuns(plan).length;
    this.#isTerminal = isTerminal;
    const parts = [
      counted(plan.sequences.length, 'sequence'),
      counted(plan.contenders.length, 'profile'),
      counted(plan.seeds, 'seed'),
    ];
    this.note(`${counted(this.#planned, 'run')}: ${parts.join(' x ')}`);
  }

  /** A line of the output of a run. */
  line(run: PlannedRun, line: string): void {
    if (!this.#isTerminal || !FRAMES.test(line)) return;
    process.stderr.write(`\r\x1b[K[${this.#ended + 1}/${this.#planned}] ${runName(run)}: ${line}`);
  }

  done(run: ComparedRun, { sequences }: Comparison): void {
    this.#ended++;
    const sequence = sequences.find(({ name }) => name === run.sequence)!;
    const { error, fps } = sequence.runs.at(-1)!.values;
    const texts = [
      ...(error === undefined
        ? []
        : [Number.isFinite(error) ? `error ${numberText(error)} ${sequence.errorUnit}` : 'no trajectory to compare']),
      ...(fps === undefined ? [] : [`${numberText(fps)} frames/s`]),
    ];
    const result = run.failure === undefined ? texts.join(', ') || 'done' : `FAILED: ${run.failure}`;
    this.note(`[${this.#ended}/${this.#planned}] ${runName(run)}: ${result}${this.#rest()}`);
  }

  /** Prints a line of its own. */
  note(text: string): void {
    console.error(this.#isTerminal ? `\r\x1b[K${text}` : text);
  }

  #rest(): string {
    const left = this.#planned - this.#ended;
    if (left === 0) return '';
    const leftMin = ((performance.now() - this.#startMs) / 60_000 / this.#ended) * left;
    return `; about ${Math.ceil(leftMin)} min left`;
  }
}
