// SPDX-License-Identifier: MIT
import { type McapTypes, McapWriter } from '@mcap/core';
import type { OutputContext } from './OutputContext.ts';
import { OutputFile } from './OutputFile.ts';
import { ROS2_SCHEMAS, type Ros2Type } from './ros2/schemas.ts';

/**
 * What a crash may lose: a second of frames with a pose at 20 images/s (1.5 KiB each); the writer has no other way to close a chunk. Index and headers
 * of chunks this small are 1 % of the file.
 */
const CHUNK_BYTES = 24 * 1024;
const encoder = new TextEncoder();

/**
 * An MCAP file that is complete after every chunk: the records that end a file without index stand behind the last chunk and are overwritten by the next.
 * Closing it writes statistics and index.
 */
export class McapFile {
  readonly path: string;
  readonly #file: OutputFile;
  readonly #writer: McapWriter;
  readonly #sequences = new Map<number, number>();

  private constructor(file: OutputFile, writer: McapWriter) {
    this.path = file.path;
    this.#file = file;
    this.#writer = writer;
  }

  static async create(path: string, context: OutputContext): Promise<McapFile> {
    const file = await OutputFile.create(path, context.openFile);
    const writable = { write: (bytes: Uint8Array) => file.append(bytes), position: () => BigInt(file.end) };
    const writer = new McapWriter({ writable, chunkSize: CHUNK_BYTES });
    await writer.start({ profile: '', library: 'qpvo' });
    await file.markValid(FILE_END);
    return new McapFile(file, writer);
  }

  async addRos2Channel(topic: string, type: Ros2Type): Promise<number> {
    return this.#addChannel(topic, 'cdr', {
      name: type,
      encoding: 'ros2msg',
      data: encoder.encode(ROS2_SCHEMAS[type]),
    });
  }

  async addJsonChannel(topic: string, name: string, schema: object): Promise<number> {
    return this.#addChannel(topic, 'json', {
      name,
      encoding: 'jsonschema',
      data: encoder.encode(JSON.stringify(schema)),
    });
  }

  async addMetadata(name: string, entries: Record<string, string>): Promise<void> {
    if (!this.#file.isOpen) return;
    await this.#writer.addMetadata({ name, metadata: new Map(Object.entries(entries)) });
    await this.#file.markValid(FILE_END);
  }

  /** Log and publish time are the stamp. */
  async addMessage(channelId: number, stampNs: bigint, data: Uint8Array): Promise<void> {
    if (!this.#file.isOpen) return;
    const before = this.#file.end;
    const sequence = this.#sequences.get(channelId) ?? 0;
    this.#sequences.set(channelId, sequence + 1);
    await this.#writer.addMessage({ channelId, sequence, logTime: stampNs, publishTime: stampNs, data });
    if (this.#file.end > before) await this.#file.markValid(FILE_END);
  }

  /** The last chunk, statistics, index. */
  async close(): Promise<void> {
    if (!this.#file.isOpen) return;
    await this.#writer.end();
    await this.#file.markValid();
    await this.#file.close();
  }

  async #addChannel(
    topic: string,
    messageEncoding: string,
    schema: Omit<McapTypes.Schema, 'id' | 'type'>,
  ): Promise<number> {
    const schemaId = await this.#writer.registerSchema(schema);
    return this.#writer.registerChannel({ topic, schemaId, messageEncoding, metadata: new Map() });
  }
}

/** DataEnd (no checksum), Footer (no summary), magic: the shortest end of an MCAP file (mcap.dev/spec). */
const FILE_END = Uint8Array.from([
  ...[0x0f, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
  ...[0x02, 20, 0, 0, 0, 0, 0, 0, 0, ...Array<number>(20).fill(0)],
  ...[0x89, 0x4d, 0x43, 0x41, 0x50, 0x30, 0x0d, 0x0a],
]);
