// SPDX-License-Identifier: MIT
import type { Serialization } from '../messages/FieldReader.ts';
import type { FrameFault, TopicInfo } from './Source.ts';

/** How far a file without index is searched for topics. */
export const SEARCH_BYTES = 256 << 20;

/** One serialized message and the time at which it was recorded. */
export interface BagMessage {
  logTimeNs: bigint;
  data: Uint8Array;
}

export interface BagTopic extends TopicInfo {
  /** Undefined when the messages are in a form that is not read here (protobuf, JSON, ...). */
  serialization: Serialization | undefined;
}

/** A file of recorded messages, whatever its container. One iteration at a time. */
export interface BagReader {
  /** Human name of the container. */
  readonly kind: string;
  readonly path: string;
  readonly topics: readonly BagTopic[];
  /** The messages of one topic in recorded order, a bounded part of the file in memory. Damage ends the iteration with a FrameFault. */
  messages(topic: string): AsyncIterableIterator<BagMessage | FrameFault>;
  /** The last message of a topic, where the container finds it without reading everything. */
  lastMessage(topic: string): Promise<BagMessage | undefined>;
  close(): Promise<void>;
}
