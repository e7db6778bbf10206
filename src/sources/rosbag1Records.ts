// SPDX-License-Identifier: MIT
// The record layer of ROS 1 bags, format 2.0 (wiki.ros.org/Bags/Format/2.0): header length, header fields, data length, data; little endian.
import type { FileHandle } from 'node:fs/promises';
import { QpvoError } from '../error.ts';
import { stampFromParts } from '../messages/stamps.ts';
import type { Decompressors } from './decompressors.ts';

export const OP = { message: 2, index: 4, chunk: 5, chunkInfo: 6, connection: 7 } as const;

export interface BagRecord {
  op: number;
  fields: ReadonlyMap<string, Uint8Array>;
  data: Uint8Array;
}

const MAGIC_BYTES = 13;
/** Larger headers than this only come from damage. */
const MAX_HEADER_BYTES = 1 << 20;

/** All records in file order, those of chunks in the place of their chunk. Index records, which front-to-back reading has no use for, are left out. */
export async function* readBagRecords(
  handle: FileHandle,
  decompress: Decompressors,
  limit: number,
): AsyncGenerator<BagRecord> {
  const { size } = await handle.stat();
  for (let position = MAGIC_BYTES; position < Math.min(size, limit); ) {
    const headerLength = uint32(await readExactly(handle, position, 4, size));
    if (headerLength > MAX_HEADER_BYTES) throw damaged(position, `a header of ${headerLength} bytes`);
    const head = await readExactly(handle, position + 4, headerLength + 4, size);
    const fields = parseFields(head.subarray(0, headerLength), position);
    const dataStart = position + 8 + headerLength;
    const dataLength = uint32(head.subarray(headerLength));
    position = dataStart + dataLength;
    const op = fields.get('op')?.[0] ?? 0;
    if (op === OP.index || op === OP.chunkInfo) continue;
    const data = await readExactly(handle, dataStart, dataLength, size);
    if (op === OP.chunk) yield* recordsOfChunk(fields, data, decompress, dataStart);
    else yield { op, fields, data };
  }
}

function* recordsOfChunk(
  fields: ReadonlyMap<string, Uint8Array>,
  stored: Uint8Array,
  decompress: Decompressors,
  offset: number,
): Generator<BagRecord> {
  const compression = text(fields.get('compression'));
  const isKnown = compression === 'lz4' || compression === 'bz2';
  if (!isKnown && compression !== 'none') throw damaged(offset, `a chunk with compression "${compression}"`);
  const bytes = isKnown ? decompress[compression](stored, uint32(fields.get('size'))) : stored;
  for (let position = 0; position < bytes.length; ) {
    const header = lengthPrefixed(bytes, position, offset);
    const data = lengthPrefixed(bytes, position + 4 + header.length, offset);
    position += 8 + header.length + data.length;
    const headerFields = parseFields(header, offset);
    yield { op: headerFields.get('op')?.[0] ?? 0, fields: headerFields, data };
  }
}

/** Header fields: length, name, "=", value. Also the data of a connection record has this form. */
export function parseFields(bytes: Uint8Array, offset: number): Map<string, Uint8Array> {
  const fields = new Map<string, Uint8Array>();
  for (let position = 0; position < bytes.length; ) {
    const field = lengthPrefixed(bytes, position, offset);
    const equals = field.indexOf(0x3d);
    if (equals < 0) throw damaged(offset, 'a header field without a value');
    fields.set(text(field.subarray(0, equals)), field.subarray(equals + 1));
    position += 4 + field.length;
  }
  return fields;
}

/** 0 for a missing field. */
export function uint32(bytes: Uint8Array | undefined): number {
  return bytes === undefined || bytes.length < 4
    ? 0
    : new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0, true);
}

/** A time field: seconds, nanoseconds. */
export function time(bytes: Uint8Array | undefined): bigint {
  return stampFromParts(uint32(bytes), uint32(bytes?.subarray(4)));
}

export function text(bytes: Uint8Array | undefined): string {
  return new TextDecoder().decode(bytes);
}

function lengthPrefixed(bytes: Uint8Array, position: number, offset: number): Uint8Array {
  const end = position + 4 + uint32(bytes.subarray(position));
  if (end > bytes.length) throw damaged(offset, 'a length beyond the end of its record');
  return bytes.subarray(position + 4, end);
}

async function readExactly(handle: FileHandle, position: number, length: number, size: number): Promise<Uint8Array> {
  if (position + length > size)
    throw damaged(position, `the end of the file, ${position + length - size} bytes too early`);
  const bytes = new Uint8Array(length);
  await handle.read(bytes, 0, length, position);
  return bytes;
}

function damaged(offset: number, received: string): QpvoError {
  return new QpvoError('QPVO_SOURCE_CORRUPT', {
    what: `the bag is damaged near byte ${offset}`,
    expected: 'a whole record',
    received,
    advice: 'What stands before it is used; `rosbag reindex` repairs what it can.',
  });
}
