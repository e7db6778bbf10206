// SPDX-License-Identifier: MIT

/** Machine-readable error codes. `USAGE` and `PARAMETER` end a command with exit code 2, every other with 1. */
export type ErrorCode =
  | 'QPVO_USAGE'
  | 'QPVO_PARAMETER'
  | 'QPVO_PROFILE'
  | 'QPVO_PROFILE_UNAVAILABLE'
  | 'QPVO_NOT_FOUND'
  | 'QPVO_UNKNOWN_SOURCE'
  | 'QPVO_SOURCE_EMPTY'
  | 'QPVO_SOURCE_CORRUPT'
  | 'QPVO_TOPIC'
  | 'QPVO_ENCODING'
  | 'QPVO_CALIBRATION'
  | 'QPVO_IMAGE_SIZE'
  | 'QPVO_MODEL'
  | 'QPVO_ADDON'
  | 'QPVO_ENGINE'
  | 'QPVO_BUSY'
  | 'QPVO_CLOSED'
  | 'QPVO_NO_DEVICE'
  | 'QPVO_OUT_OF_MEMORY'
  | 'QPVO_DEVICE_LOST'
  | 'QPVO_OUTPUT'
  | 'QPVO_EVALUATION'
  | 'QPVO_ROS'
  | 'QPVO_TF'
  | 'QPVO_INTERNAL';

export interface ErrorParts {
  /** What went wrong, one clause, no full stop. */
  what: string;
  /** What would have been right. */
  expected?: string;
  /** What came instead. */
  received?: string;
  /** What the user can do about it. */
  advice?: string;
  cause?: unknown;
}

/** An error that says what was expected, what came, and what to do. */
export class QpvoError extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, parts: ErrorParts) {
    const middle = [
      parts.expected === undefined ? '' : `expected ${clause(parts.expected)}`,
      parts.received === undefined ? '' : `received ${clause(parts.received)}`,
    ].filter(Boolean);
    const what = clause(parts.what);
    const message = [middle.length > 0 ? `${what}: ${middle.join(', but ')}.` : `${what}.`, parts.advice ?? ''];
    super(message.filter(Boolean).join(' '), parts.cause === undefined ? {} : { cause: parts.cause });
    this.name = 'QpvoError';
    this.code = code;
  }
}

/** A text without its full stop: messages of other errors are told within ours. An ellipsis stays. */
function clause(text: string): string {
  return text.replace(/(?<!\.)\.\s*$/, '');
}

/** The message of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
