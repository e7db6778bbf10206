// SPDX-License-Identifier: MIT
import { QpvoError } from '../../error.ts';

/** The error for a weights file whose bytes cannot be what they claim to be. */
export function damaged(path: string, format: string, expected: string, received: string): QpvoError {
  return new QpvoError('QPVO_MODEL', {
    what: `cannot read ${path} as ${format}`,
    expected,
    received,
    advice: 'The file is damaged, truncated or of another kind: copy or download it again.',
  });
}
