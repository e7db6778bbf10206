// SPDX-License-Identifier: MIT

/** Reads the fields of one serialized ROS message in order of their definition. Reading past the end throws QpvoError QPVO_SOURCE_CORRUPT. */
export interface FieldReader {
  uint8(): number;
  uint32(): number;
  string(): string;
  /** std_msgs/Header. */
  header(): MessageHeader;
  /** `uint8[]`: a view of the message, not a copy. */
  bytesView(): Uint8Array;
  /** `float64[]`; with `length` given, `float64[length]`. */
  float64Array(length?: number): number[];
}

export interface MessageHeader {
  stampNs: bigint;
  frameId: string;
}

/** How a message is serialized: `cdr` by ROS 2, `ros1` by ROS 1. */
export type Serialization = 'cdr' | 'ros1';
