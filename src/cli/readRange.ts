// SPDX-License-Identifier: MIT
import { QpvoError } from '../error.ts';
import type { FrameRange } from '../sources/Source.ts';
import { numberOption } from './parseOptions.ts';

/**
 * The range of the options --start, --end and --stride.
 *
 * @throws QpvoError QPVO_USAGE
 */
export function readRange(values: { start?: string; end?: string; stride?: string }): FrameRange {
  const startS = numberOption('start', values.start, { least: 0 });
  const endS = numberOption('end', values.end, { least: 0 });
  const stride = numberOption('stride', values.stride, { least: 1, integer: true });
  if (startS !== undefined && endS !== undefined && endS <= startS) {
    throw new QpvoError('QPVO_USAGE', {
      what: 'option --end',
      expected: `more than --start ${startS}`,
      received: `${endS}`,
    });
  }
  return {
    ...(startS === undefined ? {} : { startS }),
    ...(endS === undefined ? {} : { endS }),
    ...(stride === undefined ? {} : { stride }),
  };
}
