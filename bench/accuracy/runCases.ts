// SPDX-License-Identifier: MIT
import { runPool } from '../../src/compare/runPool.ts';
import { numberText } from '../../src/compare/textTable.ts';
import { messageOf, QpvoError } from '../../src/error.ts';
import { type Case, type CaseFacts, caseName, factsOf } from './Case.ts';
import { type Floor, runFloor } from './floorRun.ts';
import { type Product, type RunOutcome, runProduct } from './productRun.ts';
import { type Contender, type RunRecord, runKey } from './RunRecord.ts';

/** A run that is still to be made. */
export interface PlannedRun {
  key: string;
  entry: Case;
  facts: CaseFacts;
  runner: Product | Floor;
  seed: number;
}

/** All cases with the first seed, then all with the second, and so on: an interrupted bench has something about each. */
export function planRuns(
  cases: readonly Case[],
  runnersOf: (entry: Case) => readonly (Product | Floor)[],
  seeds: number,
): PlannedRun[] {
  const pairs = cases.flatMap((entry) => {
    const facts = factsOf(entry);
    return runnersOf(entry).map((runner) => ({ entry, facts, runner }));
  });
  return Array.from({ length: seeds }, (_, seed) =>
    pairs.map((pair) => ({ key: runKey(pair.runner, pair.facts, seed), ...pair, seed })),
  ).flat();
}

/** Makes the runs, `jobs` at a time; `done` takes each when it has ended. A run that fails is a result too. */
export async function makeRuns(
  planned: readonly PlannedRun[],
  { jobs, commit }: { jobs: number; commit: string },
  done: (record: RunRecord) => Promise<void>,
): Promise<void> {
  const progress = new Progress(planned);
  await runPool(planned, jobs, async (run) => {
    const { contender, profile, settings, model, checksum } = run.runner;
    const outcome = await outcomeOf(run, jobs === 1);
    const { key, facts, seed } = run;
    await done({ key, contender, profile, settings, model, checksum, ...facts, seed, commit, ...outcome });
    progress.say(run, outcome);
  });
}

async function outcomeOf({ entry, runner, seed }: PlannedRun, alone: boolean): Promise<RunOutcome> {
  try {
    return 'python' in runner
      ? await runFloor(entry, runner, seed, alone)
      : await runProduct(entry, runner, seed, alone);
  } catch (error) {
    const failure = error instanceof QpvoError ? error.message : messageOf(error);
    return { consumed: 0, withPose: 0, segments: 0, states: {}, lost: true, failure };
  }
}

/** Tells about each run, and how long the rest takes at the speed so far; product and floor are far apart in speed. */
class Progress {
  readonly #startMs = performance.now();
  readonly #planned: readonly PlannedRun[];
  readonly #images: Record<Contender, number> = { qpvo: 0, floor: 0 };
  #ended = 0;

  constructor(planned: readonly PlannedRun[]) {
    this.#planned = planned;
    for (const { runner, facts } of planned) this.#images[runner.contender] += facts.images;
  }

  readonly #done: Record<Contender, number> = { qpvo: 0, floor: 0 };

  say(run: PlannedRun, { errors, withPose, lost, failure }: RunOutcome): void {
    this.#ended++;
    this.#done[run.runner.contender] += run.facts.images;
    const { profile, model } = run.runner;
    const result =
      failure === undefined
        ? `ATE ${errors === undefined ? '-' : numberText(errors.ateM)} m, ${withPose} of ${run.facts.images} images${lost ? ', LOST' : ''}`
        : `FAILED: ${failure}`;
    const what = `${caseName(run.entry)} ${model} ${profile} seed ${run.seed}`;
    console.log(`[${this.#ended}/${this.#planned.length}] ${what}: ${result}; ${this.#rest()}`);
  }

  #rest(): string {
    const main: Contender = this.#images.qpvo > 0 ? 'qpvo' : 'floor';
    const share = this.#done[main] / this.#images[main];
    if (share === 0) return 'time left unknown';
    const leftMin = ((performance.now() - this.#startMs) / 60_000) * (1 / share - 1);
    return `about ${Math.ceil(leftMin)} min left`;
  }
}
