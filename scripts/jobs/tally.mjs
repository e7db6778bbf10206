// SPDX-License-Identifier: MIT
import { existsSync, readFileSync } from 'node:fs';

/**
 * Counts the outcomes in the test log, which has one JSON object a line: {"start": title}, {"outcome": "passed" | "failed" | "skipped"}, {"end": true}.
 * The log is written line by line, so that it also tells the truth about a process that died.
 */
export function readTally(path) {
  const tally = { passed: 0, failed: 0, skipped: 0, running: '', ended: false };
  if (!existsSync(path)) return tally;
  for (const line of readFileSync(path, 'utf8').split('\n').filter(Boolean)) {
    const event = JSON.parse(line);
    if (event.outcome) tally[event.outcome] += 1;
    tally.running = event.start ?? '';
    tally.ended = event.end === true;
  }
  return tally;
}
