// SPDX-License-Identifier: MIT
import { QpvoError } from '../error.ts';
import { ByteCursor } from './ByteCursor.ts';
import type { FieldReader } from './FieldReader.ts';
import { stampFromParts } from './stamps.ts';

const HEADER_BYTES = 4;

/** Fields that only messages of ROS 2 are read for. */
export interface CdrFields extends FieldReader {
  uint64(): bigint;
  float64(): number;
  /** builtin_interfaces/Time, nanoseconds. */
  time(): bigint;
  /** `type[]`: as many as the message says, each read by `read`. */
  sequence<T>(read: (fields: CdrFields) => T): T[];
}

/**
 * Fields of a ROS 2 message: XCDR1 plain CDR, in either byte order, alignment counted from the end of the 4-byte encapsulation header
 * (DDS-XTypes 1.3, section 7.4.1).
 *
 * @throws QpvoError QPVO_SOURCE_CORRUPT when the encapsulation is another one
 */
export function cdrFields(message: Uint8Array): CdrFields {
  const kind = message.length >= HEADER_BYTES ? message[0]! * 256 + message[1]! : -1;
  if (kind !== 0 && kind !== 1) {
    throw new QpvoError('QPVO_SOURCE_CORRUPT', {
      what: 'not a plain CDR message',
      expected: 'an encapsulation header 00 00 (big endian) or 00 01 (little endian)',
      received: kind < 0 ? `${message.length} bytes` : `0x${kind.toString(16).padStart(4, '0')}`,
    });
  }
  const cursor = new ByteCursor(message, HEADER_BYTES, kind === 1);
  const uint32 = (): number => {
    cursor.align(4);
    return cursor.uint32();
  };
  // The length counts the terminating zero; some writers send 0 for the empty string.
  const string = (): string => {
    const length = uint32();
    return length === 0 ? '' : cursor.text(length).replace(/\0$/, '');
  };
  const time = (): bigint => {
    cursor.align(4);
    const sec = cursor.int32();
    return stampFromParts(sec, cursor.uint32());
  };
  const fields: CdrFields = {
    uint8: () => cursor.uint8(),
    uint32,
    uint64: () => {
      cursor.align(8);
      return cursor.uint64();
    },
    float64: () => {
      cursor.align(8);
      return cursor.float64();
    },
    string,
    time,
    header: () => ({ stampNs: time(), frameId: string() }),
    bytesView: () => cursor.view(uint32()),
    float64Array: (length) => {
      const numbers: number[] = [];
      const count = length ?? uint32();
      if (count > 0) cursor.align(8);
      for (let i = 0; i < count; i++) numbers.push(cursor.float64());
      return numbers;
    },
    sequence: (read) => {
      const items: ReturnType<typeof read>[] = [];
      const count = uint32();
      for (let i = 0; i < count; i++) items.push(read(fields));
      return items;
    },
  };
  return fields;
}
