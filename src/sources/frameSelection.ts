// SPDX-License-Identifier: MIT
import { QpvoError } from '../error.ts';
import { nanosecondsOf } from '../messages/stamps.ts';
import type { FrameRange } from './Source.ts';

/** What to do with the next image: decode it, pass over it, or end the stream before it. */
export type Selection = 'take' | 'skip' | 'stop';

/**
 * Decides image by image, by stamps alone, so that nothing is decoded in vain. The first stamp asked about is the origin of the range. The range
 * begins and ends where the stamps first reach its limits, also where later ones go back.
 *
 * @throws QpvoError QPVO_PARAMETER when the range makes no sense
 */
export function frameSelection(range: FrameRange): (stampNs: bigint) => Selection {
  const { startS = 0, endS = Number.POSITIVE_INFINITY, stride = 1 } = range;
  if (!(startS >= 0) || !(endS >= startS) || !Number.isInteger(stride) || stride < 1) {
    throw new QpvoError('QPVO_PARAMETER', {
      what: 'the range of frames makes no sense',
      expected: '0 <= start <= end in seconds and a whole stride of at least 1',
      received: `start ${startS}, end ${endS}, stride ${stride}`,
    });
  }
  let firstNs: bigint | undefined;
  let begun = false;
  let inRange = 0;
  return (stampNs) => {
    firstNs ??= stampNs;
    begun ||= stampNs >= firstNs + nanosecondsOf(startS);
    if (!begun) return 'skip';
    if (endS !== Number.POSITIVE_INFINITY && stampNs > firstNs + nanosecondsOf(endS)) return 'stop';
    return inRange++ % stride === 0 ? 'take' : 'skip';
  };
}
