// SPDX-License-Identifier: MIT
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { messageOf, QpvoError } from '../../src/error.ts';
import type { CaseSummary } from './CaseSummary.ts';
import type { RunRecord } from './RunRecord.ts';
import type { CaseVerdict } from './verdicts.ts';

/** The result file: what every benchmark says about itself, and this. */
export interface AccuracyResult {
  alignment: 'sim3';
  rpeDeltaS: number;
  /** Runs that were asked for and are not there yet: an interrupted bench. */
  missing: number;
  cases: CaseSummary[];
  /** Beside the result that --against names. */
  against?: CaseVerdict[];
  runs: RunRecord[];
}

/** As it is in the file. */
export interface SavedResult extends AccuracyResult {
  date: string;
  commit: { hash: string; dirty: boolean } | string;
  host: { cpu: string; cores: number; memoryMb: number; node: string };
}

/** @returns undefined when there is no file, or one of an older form. @throws QpvoError QPVO_USAGE when it is no JSON */
export async function readResult(file: string): Promise<SavedResult | undefined> {
  if (!existsSync(file)) return undefined;
  try {
    const result = JSON.parse(await readFile(file, 'utf8')) as Partial<SavedResult>;
    return Array.isArray(result.runs) ? (result as SavedResult) : undefined;
  } catch (error) {
    throw new QpvoError('QPVO_USAGE', {
      what: `cannot go on from ${file}`,
      expected: 'the result of an earlier bench',
      received: messageOf(error),
      advice: 'Remove the file.',
      cause: error,
    });
  }
}
