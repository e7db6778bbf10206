// SPDX-License-Identifier: MIT
import { CdrWriter } from '@foxglove/cdr';
import { cdrFields } from '../cdrFields.ts';
import { writeTime } from './writeParts.ts';

/** rosgraph_msgs/msg/Clock. */
export function encodeClock(stampNs: bigint): Uint8Array {
  const cdr = new CdrWriter({ size: 12 });
  writeTime(cdr, stampNs);
  return cdr.data;
}

/** Reads a rosgraph_msgs/msg/Clock: nanoseconds. */
export function readClock(message: Uint8Array): bigint {
  return cdrFields(message).time();
}
