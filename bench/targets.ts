// SPDX-License-Identifier: MIT
import { numberText, table } from '../src/compare/textTable.ts';

export type Verdict = 'met' | 'MISSED' | 'not judged';

/** A measured number and what it should be. */
export interface Judged {
  what: string;
  measured: number;
  unit: string;
  target?: { bound: 'at least' | 'at most'; value: number };
  verdict?: Verdict;
}

/** A number without a target. */
export function plain(what: string, measured: number, unit: string): Judged {
  return { what, measured, unit };
}

export function atLeast(what: string, measured: number, value: number, unit: string): Judged {
  return { what, measured, unit, target: { bound: 'at least', value }, verdict: measured >= value ? 'met' : 'MISSED' };
}

export function atMost(what: string, measured: number, value: number, unit: string): Judged {
  return { what, measured, unit, target: { bound: 'at most', value }, verdict: measured <= value ? 'met' : 'MISSED' };
}

/** The same number where the target does not apply, such as on an excerpt of the recording that it is meant for. */
export function notJudged(judged: Judged): Judged {
  return judged.target === undefined ? judged : { ...judged, verdict: 'not judged' };
}

export function targetTable(rows: readonly Judged[]): string {
  return table(
    ['', 'measured', 'unit', 'target', 'verdict'],
    rows.map(({ what, measured, unit, target, verdict }) => [
      what,
      measured,
      unit,
      target && `${target.bound} ${numberText(target.value)}`,
      verdict,
    ]),
  );
}
