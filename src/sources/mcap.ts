// SPDX-License-Identifier: MIT
import { type FileHandle, open } from 'node:fs/promises';
import { McapIndexedReader, type McapTypes } from '@mcap/core';
import { FileHandleReadable } from '@mcap/nodejs';
import type { BagMessage, BagReader, BagTopic } from './BagReader.ts';
import { mergeByName } from './bagTopics.ts';
import { loadDecompressors } from './decompressors.ts';
import { openStreamedMcap } from './mcapStream.ts';
import { mcapTopic } from './mcapTopic.ts';
import type { FrameFault } from './Source.ts';
import { firstReadable, untilDamage } from './untilDamage.ts';

/** Opens an MCAP file by its index; a file without a usable one (cut off, not chunked) is read from front to back instead. */
export async function openMcap(path: string): Promise<BagReader> {
  const handle = await open(path, 'r');
  const decompressHandlers = await loadDecompressors();
  const index = await readIndex(handle, decompressHandlers);
  return index === undefined
    ? openStreamedMcap(path, handle, decompressHandlers)
    : new IndexedMcap(path, handle, index);
}

/** Undefined when there is no index that covers the messages. */
async function readIndex(
  handle: FileHandle,
  decompressHandlers: McapTypes.DecompressHandlers,
): Promise<McapIndexedReader | undefined> {
  try {
    const index = await McapIndexedReader.Initialize({ readable: new FileHandleReadable(handle), decompressHandlers });
    const chunks = index.chunkIndexes;
    return chunks.length > 0 && chunks.every((chunk) => chunk.messageIndexOffsets.size > 0) ? index : undefined;
  } catch {
    return undefined;
  }
}

class IndexedMcap implements BagReader {
  readonly kind = 'MCAP';
  readonly path: string;
  readonly topics: BagTopic[];
  readonly #handle: FileHandle;
  readonly #index: McapIndexedReader;

  constructor(path: string, handle: FileHandle, index: McapIndexedReader) {
    this.path = path;
    this.#handle = handle;
    this.#index = index;
    const counts = index.statistics?.channelMessageCounts;
    this.topics = mergeByName(
      [...index.channelsById.values()].map((channel) =>
        mcapTopic(channel, index.schemasById, counts && Number(counts.get(channel.id) ?? 0n)),
      ),
    );
  }

  messages(topic: string): AsyncIterableIterator<BagMessage | FrameFault> {
    return untilDamage(this.#read(topic, false), this.path);
  }

  lastMessage(topic: string): Promise<BagMessage | undefined> {
    return firstReadable(this.#read(topic, true));
  }

  async *#read(topic: string, reverse: boolean): AsyncGenerator<BagMessage> {
    for await (const message of this.#index.readMessages({ topics: [topic], reverse })) {
      yield { logTimeNs: message.logTime, data: message.data };
    }
  }

  close(): Promise<void> {
    return this.#handle.close();
  }
}
