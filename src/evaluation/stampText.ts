// SPDX-License-Identifier: MIT
import { stampFromSecondsText } from '../messages/stamps.ts';

const NS_PER_S = 1_000_000_000n;
/** Larger numbers cannot be seconds (year 33658): tools that write nanoseconds into TUM files exist. */
const LARGEST_SECONDS = 1_000_000_000_000n;

/** Seconds with nine decimals, exact: 1403638537577829376n -> "1403638537.577829376". */
export function formatStampS(stampNs: bigint): string {
  const size = stampNs < 0n ? -stampNs : stampNs;
  const sign = stampNs < 0n ? '-' : '';
  return `${sign}${size / NS_PER_S}.${(size % NS_PER_S).toString().padStart(9, '0')}`;
}

/** Nanoseconds of the stamp of a TUM line, exact. A number over 1e12 is taken as nanoseconds already. Undefined when the text is no decimal number. */
export function parseStampS(text: string): bigint | undefined {
  try {
    const stampNs = stampFromSecondsText(text);
    return stampNs / NS_PER_S >= LARGEST_SECONDS ? stampNs / NS_PER_S : stampNs;
  } catch {
    return undefined;
  }
}
