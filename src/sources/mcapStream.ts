// SPDX-License-Identifier: MIT
import type { FileHandle } from 'node:fs/promises';
import { McapStreamReader, type McapTypes } from '@mcap/core';
import { QpvoError } from '../error.ts';
import { type BagMessage, type BagReader, type BagTopic, SEARCH_BYTES } from './BagReader.ts';
import { mergeByName } from './bagTopics.ts';
import { mcapTopic } from './mcapTopic.ts';
import type { FrameFault } from './Source.ts';
import { untilDamage } from './untilDamage.ts';

const BLOCK_BYTES = 1 << 20;

/** Reads an MCAP file from front to back, as far as it is whole. Only topics that occur in its first 256 MiB are known. */
export async function openStreamedMcap(
  path: string,
  handle: FileHandle,
  decompressHandlers: McapTypes.DecompressHandlers,
): Promise<BagReader> {
  const records = (limit: number): AsyncGenerator<McapTypes.TypedMcapRecord> =>
    readRecords(path, handle, decompressHandlers, limit);
  return new StreamedMcap(path, handle, records, await findTopics(records(SEARCH_BYTES)));
}

class StreamedMcap implements BagReader {
  readonly kind = 'MCAP without index';
  readonly path: string;
  readonly topics: BagTopic[];
  readonly #handle: FileHandle;
  readonly #records: (limit: number) => AsyncGenerator<McapTypes.TypedMcapRecord>;

  constructor(
    path: string,
    handle: FileHandle,
    records: (limit: number) => AsyncGenerator<McapTypes.TypedMcapRecord>,
    topics: BagTopic[],
  ) {
    this.path = path;
    this.#handle = handle;
    this.#records = records;
    this.topics = topics;
  }

  messages(topic: string): AsyncIterableIterator<BagMessage | FrameFault> {
    return untilDamage(this.#read(topic), this.path);
  }

  async *#read(topic: string): AsyncGenerator<BagMessage> {
    const channels = new Set<number>();
    for await (const record of this.#records(Number.POSITIVE_INFINITY)) {
      if (record.type === 'Channel' && record.topic === topic) channels.add(record.id);
      if (record.type === 'Message' && channels.has(record.channelId)) {
        yield { logTimeNs: record.logTime, data: record.data };
      }
    }
  }

  async lastMessage(): Promise<undefined> {
    return undefined;
  }

  close(): Promise<void> {
    return this.#handle.close();
  }
}

async function findTopics(records: AsyncIterable<McapTypes.TypedMcapRecord>): Promise<BagTopic[]> {
  const schemas = new Map<number, McapTypes.Schema>();
  const channels = new Map<number, McapTypes.Channel>();
  try {
    for await (const record of records) {
      if (record.type === 'Schema') schemas.set(record.id, record);
      if (record.type === 'Channel') channels.set(record.id, record);
    }
  } catch {
    // What stands before the damage is what there is; the damage is reported where the messages are read.
  }
  return mergeByName([...channels.values()].map((channel) => mcapTopic(channel, schemas, undefined)));
}

/** @throws when the file is damaged or ends without its footer, unless `limit` bytes were read before */
async function* readRecords(
  path: string,
  handle: FileHandle,
  decompressHandlers: McapTypes.DecompressHandlers,
  limit: number,
): AsyncGenerator<McapTypes.TypedMcapRecord> {
  const reader = new McapStreamReader({ decompressHandlers });
  const block = new Uint8Array(BLOCK_BYTES);
  for (let position = 0; position < limit; ) {
    const { bytesRead } = await handle.read(block, 0, block.length, position);
    if (bytesRead === 0) throw cutOff(path, position);
    position += bytesRead;
    reader.append(block.subarray(0, bytesRead));
    for (let record = reader.nextRecord(); record !== undefined; record = reader.nextRecord()) yield record;
    if (reader.done()) return;
  }
}

function cutOff(path: string, size: number): QpvoError {
  return new QpvoError('QPVO_SOURCE_CORRUPT', {
    what: `${path} was cut off`,
    expected: 'an MCAP footer at the end',
    received: `the end of the file after ${size} bytes`,
    advice: 'What stands before it is used; `mcap recover` writes a whole file of it.',
  });
}
