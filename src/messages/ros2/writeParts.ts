// SPDX-License-Identifier: MIT
// The parts that ROS 2 messages are made of, written as XCDR1 plain CDR, little endian (DDS-XTypes 1.3, section 7.4.1).
import type { CdrWriter } from '@foxglove/cdr';
import { QpvoError } from '../../error.ts';
import type { Pose } from '../../odometry/Pose.ts';
import { stampToParts } from '../stamps.ts';

const utf8 = new TextEncoder();
const INT32_MIN = -(2 ** 31);
const INT32_MAX = 2 ** 31 - 1;

/**
 * builtin_interfaces/Time.
 *
 * @throws QpvoError QPVO_OUTPUT when the seconds do not fit into 32 bits
 */
export function writeTime(cdr: CdrWriter, stampNs: bigint): void {
  const { sec, nanosec } = timeParts(stampNs);
  cdr.int32(sec).uint32(nanosec);
}

/** Seconds (int32) and nanoseconds of a stamp, as writeTime. */
export function timeParts(stampNs: bigint): { sec: number; nanosec: number } {
  const parts = stampToParts(stampNs);
  if (parts.sec < INT32_MIN || parts.sec > INT32_MAX) {
    throw new QpvoError('QPVO_OUTPUT', {
      what: 'a stamp does not fit into a ROS 2 message',
      expected: `seconds from ${INT32_MIN} to ${INT32_MAX}`,
      received: `${stampNs} ns`,
      advice: 'Give stamps in nanoseconds since 1970 or since the start of the recording.',
    });
  }
  return parts;
}

/** std_msgs/Header. */
export function writeHeader(cdr: CdrWriter, stampNs: bigint, frame: string): void {
  writeTime(cdr, stampNs);
  writeText(cdr, frame);
}

/** string, as UTF-8; CdrWriter.string() cuts text that is not ASCII. */
export function writeText(cdr: CdrWriter, text: string): void {
  const bytes = utf8.encode(text);
  cdr
    .uint32(bytes.length + 1)
    .uint8Array(bytes)
    .uint8(0);
}

/** geometry_msgs/Pose and geometry_msgs/Transform. */
export function writePose(cdr: CdrWriter, pose: Pose): void {
  for (const value of pose.t) cdr.float64(value);
  for (const value of pose.q) cdr.float64(value);
}

/**
 * float64[length].
 *
 * @throws QpvoError QPVO_INTERNAL for another number of values, which would move every field behind them
 */
export function writeNumbers(cdr: CdrWriter, values: ArrayLike<number>, length: number, name: string): void {
  if (values.length !== length) {
    throw new QpvoError('QPVO_INTERNAL', {
      what: `${name} of a ROS 2 message has the wrong length`,
      expected: `${length} numbers`,
      received: String(values.length),
    });
  }
  for (let i = 0; i < length; i++) cdr.float64(values[i]!);
}
