// SPDX-License-Identifier: MIT

import { table } from '../../src/compare/textTable.ts';
import { judge, type Verdict } from '../../src/compare/verdict.ts';
import type { Spread } from '../../src/evaluation/spread.ts';
import { nameOf } from './accuracyTable.ts';
import type { CaseSummary } from './CaseSummary.ts';
import { type RunRecord, runKey } from './RunRecord.ts';

/** A case of this bench beside the same case of an earlier one, by the rule of `qpvo compare`. */
export interface CaseVerdict extends Verdict {
  case: string;
  /** Medians of the ATE, metres. */
  ateM: number;
  otherAteM: number;
}

/** One verdict for each case that another result has as well: with the same model and profile where it has them, else with the same model, else with the same profile. */
export function verdictsAgainst(
  cases: readonly CaseSummary[],
  other: { cases: readonly CaseSummary[]; runs: readonly RunRecord[] },
): CaseVerdict[] {
  return cases.flatMap((entry) => {
    const twin = twinOf(entry, other.cases);
    if (twin === undefined) return [];
    const key = runKey(twin, twin, 0);
    const errors = other.runs.filter((run) => runKey(run, run, 0) === key).flatMap(({ errors }) => errors?.ateM ?? []);
    const verdict = judge(
      { profile: entry.profile, error: entry.ateM, trackedPercent: percent(entry.withPose) },
      { profile: twin.profile, error: twin.ateM, trackedPercent: percent(twin.withPose), errors },
      'ATE',
      'm',
    );
    return [{ case: nameOf(entry), ateM: entry.ateM.median, otherAteM: twin.ateM.median, ...verdict }];
  });
}

export function verdictText(verdicts: readonly CaseVerdict[]): string {
  const beyond = verdicts.filter(({ verdict }) => verdict === 'BEYOND').length;
  const rows = verdicts.map(({ case: name, ateM, otherAteM, limit, verdict }) => [
    name,
    otherAteM,
    ateM,
    ateM / otherAteM,
    limit,
    verdict,
  ]);
  const header = ['case', 'ATE m there', 'ATE m here', 'ratio', 'allowed', 'verdict'];
  return `${table(header, rows)}\n\n${verdicts.length - beyond} of ${verdicts.length} cases within the spread of the seeds or 5 %`;
}

function twinOf(entry: CaseSummary, candidates: readonly CaseSummary[]): CaseSummary | undefined {
  const same = candidates.filter(
    (other) =>
      entry.contender === 'qpvo' &&
      other.contender === 'qpvo' &&
      other.sequence === entry.sequence &&
      other.startFrame === entry.startFrame &&
      other.stride === entry.stride &&
      other.limitedTo === entry.limitedTo,
  );
  const likeness = ({ model, profile }: CaseSummary): number =>
    2 * Number(model === entry.model) + Number(profile === entry.profile);
  return same.sort((a, b) => likeness(b) - likeness(a))[0];
}

function percent({ median, min, max }: Spread): Spread {
  return { median: 100 * median, min: 100 * min, max: 100 * max };
}
