// SPDX-License-Identifier: MIT
import { type FileHandle, open } from 'node:fs/promises';
import { Bag, type Filelike } from '@foxglove/rosbag';
import { messageOf } from '../error.ts';
import { stampFromParts } from '../messages/stamps.ts';
import type { BagMessage, BagReader, BagTopic } from './BagReader.ts';
import { mergeByName } from './bagTopics.ts';
import { loadDecompressors } from './decompressors.ts';
import { openStreamedRosbag1 } from './rosbag1Stream.ts';
import type { FrameFault } from './Source.ts';
import { firstReadable, untilDamage } from './untilDamage.ts';

/** Opens a ROS 1 bag (format 2.0) by its index; a bag without one (still ".active", cut off) is read from front to back instead. */
export async function openRosbag1(path: string): Promise<BagReader> {
  const handle = await open(path, 'r');
  const decompress = await loadDecompressors();
  const bag = new Bag(await filelike(handle), { decompress, parse: false });
  try {
    await bag.open();
    if (bag.chunkInfos.length > 0) return new IndexedRosbag1(path, handle, bag);
  } catch (error) {
    return openStreamedRosbag1(path, handle, decompress, messageOf(error));
  }
  return openStreamedRosbag1(path, handle, decompress, undefined);
}

class IndexedRosbag1 implements BagReader {
  readonly kind = 'ROS 1 bag';
  readonly path: string;
  readonly topics: BagTopic[];
  readonly #handle: FileHandle;
  readonly #bag: Bag;

  constructor(path: string, handle: FileHandle, bag: Bag) {
    this.path = path;
    this.#handle = handle;
    this.#bag = bag;
    const counts = new Map<number, number>();
    for (const chunk of bag.chunkInfos) {
      for (const { conn, count } of chunk.connections) counts.set(conn, (counts.get(conn) ?? 0) + count);
    }
    this.topics = mergeByName(
      [...bag.connections.values()].map(({ conn, topic, type }) => ({
        topic,
        type: type ?? 'unknown',
        messageCount: counts.get(conn) ?? 0,
        serialization: 'ros1',
      })),
    );
  }

  messages(topic: string): AsyncIterableIterator<BagMessage | FrameFault> {
    return untilDamage(this.#read(topic, false), this.path);
  }

  lastMessage(topic: string): Promise<BagMessage | undefined> {
    return firstReadable(this.#read(topic, true));
  }

  async *#read(topic: string, reverse: boolean): AsyncGenerator<BagMessage> {
    const forward = { start: { sec: 0, nsec: 0 }, topics: [topic] };
    for await (const { timestamp, data } of this.#bag.messageIterator(
      reverse ? { topics: [topic], reverse } : forward,
    )) {
      yield { logTimeNs: stampFromParts(timestamp.sec, timestamp.nsec), data };
    }
  }

  close(): Promise<void> {
    return this.#handle.close();
  }
}

async function filelike(handle: FileHandle): Promise<Filelike> {
  const { size } = await handle.stat();
  return {
    size: () => size,
    read: async (offset, length) => {
      const bytes = new Uint8Array(length);
      const { bytesRead } = await handle.read(bytes, 0, length, offset);
      if (bytesRead < length) throw new Error(`the file ends ${length - bytesRead} bytes too early`);
      return bytes;
    },
  };
}
