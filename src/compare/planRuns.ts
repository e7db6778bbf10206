// SPDX-License-Identifier: MIT
import type { ComparisonPlan, PlannedRun } from './Comparison.ts';

/**
 * All sequences with the first seed, then all with the second, and so on, so that a comparison that is ended early has something about each. The profiles follow
 * each other on the same sequence, in turns from the first and from the last, so that a machine that slowly gets warmer or busier favours none.
 */
export function planRuns({
  contenders,
  sequences,
  seeds,
}: Pick<ComparisonPlan, 'contenders' | 'sequences' | 'seeds'>): PlannedRun[] {
  const profiles = contenders.map(({ profile }) => profile.name);
  const runs: PlannedRun[] = [];
  for (let seed = 0; seed < seeds; seed++) {
    for (const { name: sequence } of sequences) {
      const order = seed % 2 === 0 ? profiles : [...profiles].reverse();
      runs.push(...order.map((profile) => ({ sequence, profile, seed })));
    }
  }
  return runs;
}

/** "mh05/cpu_int8/seed3" */
export function runName({ sequence, profile, seed }: PlannedRun): string {
  return `${sequence}/${profile}/seed${seed}`;
}
