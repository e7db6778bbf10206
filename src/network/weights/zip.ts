// SPDX-License-Identifier: MIT
import { inflateRawSync } from 'node:zlib';
import { messageOf } from '../../error.ts';
import { damaged } from './damaged.ts';

const END_SIGNATURE = 0x06054b50;
const ENTRY_SIGNATURE = 0x02014b50;
const LOCAL_SIGNATURE = 0x04034b50;
/** The end record is 22 bytes and may be followed by a comment of up to 65535. */
const END_SEARCH = 22 + 65535;

/** Members of a zip archive by name, as views or inflated copies. Zip64, encryption and other methods than stored and deflated are refused. */
export function readZip(bytes: Buffer, path: string): Map<string, Buffer> {
  try {
    return readMembers(bytes, path);
  } catch (error) {
    if (error instanceof RangeError) throw damaged(path, 'zip', 'a complete archive', messageOf(error));
    throw error;
  }
}

function readMembers(bytes: Buffer, path: string): Map<string, Buffer> {
  const end = findEnd(bytes, path);
  const count = bytes.readUInt16LE(end + 10);
  let at = bytes.readUInt32LE(end + 16);
  const members = new Map<string, Buffer>();
  for (let i = 0; i < count; i++) {
    if (bytes.readUInt32LE(at) !== ENTRY_SIGNATURE)
      throw damaged(path, 'zip', 'a directory entry', `other bytes at ${at}`);
    const nameLength = bytes.readUInt16LE(at + 28);
    const name = bytes.toString('utf8', at + 46, at + 46 + nameLength);
    if (!name.endsWith('/')) members.set(name, readMember(bytes, at, name, path));
    at += 46 + nameLength + bytes.readUInt16LE(at + 30) + bytes.readUInt16LE(at + 32);
  }
  return members;
}

function findEnd(bytes: Buffer, path: string): number {
  for (let at = bytes.length - 22; at >= Math.max(0, bytes.length - END_SEARCH); at--) {
    if (bytes.readUInt32LE(at) === END_SIGNATURE) return at;
  }
  throw damaged(path, 'zip', 'a zip directory at the end', `${bytes.length} bytes without one`);
}

function readMember(bytes: Buffer, entry: number, name: string, path: string): Buffer {
  const method = bytes.readUInt16LE(entry + 10);
  const packed = bytes.readUInt32LE(entry + 20);
  const size = bytes.readUInt32LE(entry + 24);
  const local = bytes.readUInt32LE(entry + 42);
  if (bytes.readUInt32LE(local) !== LOCAL_SIGNATURE) throw damaged(path, 'zip', `the header of ${name}`, 'other bytes');
  const start = local + 30 + bytes.readUInt16LE(local + 26) + bytes.readUInt16LE(local + 28);
  const data = bytes.subarray(start, start + packed);
  if (data.length !== packed) throw damaged(path, 'zip', `${packed} bytes of ${name}`, `${data.length}`);
  if (method === 0) return data;
  if (method !== 8) throw damaged(path, 'zip', 'stored or deflated members', `method ${method} in ${name}`);
  const inflated = inflate(data, size, name, path);
  if (inflated.length !== size) throw damaged(path, 'zip', `${size} bytes of ${name}`, `${inflated.length}`);
  return inflated;
}

function inflate(data: Buffer, size: number, name: string, path: string): Buffer {
  try {
    return inflateRawSync(data, { maxOutputLength: Math.max(size, 1) });
  } catch (error) {
    throw damaged(path, 'zip', `deflated data in ${name}`, messageOf(error));
  }
}
