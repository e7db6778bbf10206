// SPDX-License-Identifier: MIT

/** A step of the set-up that failed: what, the end of its log, and what to do. Printed without a stack trace. */
export class StepError extends Error {
  /** @param {{ what: string, advice?: string, logTail?: string, logPath?: string }} parts */
  constructor({ what, advice = '', logTail = '', logPath = '' }) {
    const log = logTail ? `Last lines of its output:\n\n${logTail.replace(/^/gm, '    ')}\n` : '';
    const where = logPath ? `The whole output: ${logPath}` : '';
    super([`${what}.`, log, where, advice].filter(Boolean).join('\n'));
    this.name = 'StepError';
  }
}
