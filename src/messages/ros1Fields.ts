// SPDX-License-Identifier: MIT
import { ByteCursor } from './ByteCursor.ts';
import type { FieldReader } from './FieldReader.ts';
import { stampFromParts } from './stamps.ts';

/** Fields of a ROS 1 message: little endian, packed, every array and string with a 32-bit length (wiki.ros.org/msg). */
export function ros1Fields(message: Uint8Array): FieldReader {
  const cursor = new ByteCursor(message, 0, true);
  const string = (): string => cursor.text(cursor.uint32());
  return {
    uint8: () => cursor.uint8(),
    uint32: () => cursor.uint32(),
    string,
    header: () => {
      cursor.uint32(); // seq, which ROS 2 has dropped
      const sec = cursor.uint32();
      return { stampNs: stampFromParts(sec, cursor.uint32()), frameId: string() };
    },
    bytesView: () => cursor.view(cursor.uint32()),
    float64Array: (length) => {
      const numbers: number[] = [];
      const count = length ?? cursor.uint32();
      for (let i = 0; i < count; i++) numbers.push(cursor.float64());
      return numbers;
    },
  };
}
