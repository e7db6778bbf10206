// SPDX-License-Identifier: MIT
import { QpvoError } from '../error.ts';

const NS_PER_S = 1_000_000_000n;

/** Nanoseconds from the two halves of a ROS time. `sec` may be negative (int32 in ROS 2). */
export function stampFromParts(sec: number, nanosec: number): bigint {
  return BigInt(sec) * NS_PER_S + BigInt(nanosec);
}

/** The two halves of a ROS time; nanosec is always in [0, 1e9). */
export function stampToParts(stampNs: bigint): { sec: number; nanosec: number } {
  const nanosec = ((stampNs % NS_PER_S) + NS_PER_S) % NS_PER_S;
  return { sec: Number((stampNs - nanosec) / NS_PER_S), nanosec: Number(nanosec) };
}

/** Seconds as a number; exact to about 0.2 microseconds for stamps of this century. */
export function secondsOf(durationNs: bigint): number {
  return Number(durationNs) / 1e9;
}

/** Nanoseconds from a number of seconds; for durations and options, not for stamps read from files. */
export function nanosecondsOf(seconds: number): bigint {
  return BigInt(Math.round(seconds * 1e9));
}

/**
 * Nanoseconds from seconds in decimal notation ("1403638538.577829376", "1.5e-2"), exact to the last digit given; digits beyond nanoseconds are cut.
 *
 * @throws QpvoError QPVO_SOURCE_CORRUPT when the text is no decimal number
 */
export function stampFromSecondsText(text: string): bigint {
  const match = /^([+-]?)(\d+)(?:\.(\d*))?(?:[eE]([+-]?\d{1,3}))?$/.exec(text.trim());
  if (match === null) {
    throw new QpvoError('QPVO_SOURCE_CORRUPT', {
      what: 'not a time stamp',
      expected: 'seconds in decimal notation, such as 1403638538.577829376',
      received: JSON.stringify(text.slice(0, 40)),
    });
  }
  const [, sign, whole = '', fraction = '', exponent = '0'] = match;
  const shift = 9 + Number(exponent);
  const digits = whole + fraction;
  const wanted = whole.length + shift;
  const ns = wanted <= 0 ? 0n : BigInt(digits.padEnd(wanted, '0').slice(0, wanted));
  return sign === '-' ? -ns : ns;
}
