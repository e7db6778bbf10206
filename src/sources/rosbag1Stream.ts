// SPDX-License-Identifier: MIT
import type { FileHandle } from 'node:fs/promises';
import { QpvoError } from '../error.ts';
import { type BagMessage, type BagReader, type BagTopic, SEARCH_BYTES } from './BagReader.ts';
import { mergeByName } from './bagTopics.ts';
import type { Decompressors } from './decompressors.ts';
import { type BagRecord, OP, parseFields, readBagRecords, text, time, uint32 } from './rosbag1Records.ts';
import type { FrameFault } from './Source.ts';
import { untilDamage } from './untilDamage.ts';

/**
 * Reads a ROS 1 bag from front to back, as far as it is whole. Only topics that occur in its first 256 MiB are known.
 *
 * @param damage why the index could not be read; undefined when the bag says itself that it has none
 */
export async function openStreamedRosbag1(
  path: string,
  handle: FileHandle,
  decompress: Decompressors,
  damage: string | undefined,
): Promise<BagReader> {
  const topics = await findTopics(readBagRecords(handle, decompress, SEARCH_BYTES));
  return new StreamedRosbag1(path, handle, decompress, damage, topics);
}

class StreamedRosbag1 implements BagReader {
  readonly kind = 'ROS 1 bag without index';
  readonly path: string;
  readonly topics: BagTopic[];
  readonly #handle: FileHandle;
  readonly #decompress: Decompressors;
  readonly #damage: string | undefined;

  constructor(
    path: string,
    handle: FileHandle,
    decompress: Decompressors,
    damage: string | undefined,
    topics: BagTopic[],
  ) {
    this.path = path;
    this.#handle = handle;
    this.#decompress = decompress;
    this.#damage = damage;
    this.topics = topics;
  }

  messages(topic: string): AsyncIterableIterator<BagMessage | FrameFault> {
    return untilDamage(this.#read(topic), this.path);
  }

  async *#read(topic: string): AsyncGenerator<BagMessage> {
    const connections = new Set<number>();
    for await (const { op, fields, data } of readBagRecords(this.#handle, this.#decompress, Number.POSITIVE_INFINITY)) {
      const connection = uint32(fields.get('conn'));
      if (op === OP.connection && text(fields.get('topic')) === topic) connections.add(connection);
      if (op === OP.message && connections.has(connection)) yield { logTimeNs: time(fields.get('time')), data };
    }
    if (this.#damage !== undefined) {
      throw new QpvoError('QPVO_SOURCE_CORRUPT', {
        what: 'the bag was cut off',
        expected: 'an index at its end',
        received: this.#damage,
        advice: 'What stands before it is used; `rosbag reindex` repairs what it can.',
      });
    }
  }

  async lastMessage(): Promise<undefined> {
    return undefined;
  }

  close(): Promise<void> {
    return this.#handle.close();
  }
}

async function findTopics(records: AsyncIterable<BagRecord>): Promise<BagTopic[]> {
  const topics = new Map<number, BagTopic>();
  try {
    for await (const { op, fields, data } of records) {
      if (op !== OP.connection) continue;
      const type = text(parseFields(data, 0).get('type'));
      const topic = text(fields.get('topic'));
      topics.set(uint32(fields.get('conn')), { topic, type, messageCount: undefined, serialization: 'ros1' });
    }
  } catch {
    // What stands before the damage is what there is; the damage is reported where the messages are read.
  }
  return mergeByName([...topics.values()]);
}
