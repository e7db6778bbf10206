// SPDX-License-Identifier: MIT
import { messageOf } from '../../error.ts';
import { damaged } from './damaged.ts';
import { bytesPerElement, decodeElements, type ElementType } from './elements.ts';
import { elementCount, type Weights, type WeightTensor } from './Weights.ts';

const TYPES: Record<string, ElementType> = {
  F64: 'f64',
  F32: 'f32',
  F16: 'f16',
  BF16: 'bf16',
  I64: 'i64',
  I32: 'i32',
  I16: 'i16',
  I8: 'i8',
  U8: 'u8',
  BOOL: 'bool',
};

interface Entry {
  dtype?: unknown;
  shape?: unknown;
  data_offsets?: unknown;
}

/** Reads a .safetensors file: u64 header length, JSON header, then the tensors back to back. */
export function readSafetensors(bytes: Buffer, path: string): Weights {
  const headerLength = bytes.length < 8 ? -1 : Number(bytes.readBigUInt64LE(0));
  if (headerLength < 2 || headerLength > bytes.length - 8) {
    throw damaged(
      path,
      'safetensors',
      'a header inside the file',
      `a header of ${headerLength} bytes in ${bytes.length}`,
    );
  }
  const body = bytes.subarray(8 + headerLength);
  const weights: Weights = new Map();
  for (const [name, entry] of Object.entries(parseHeader(bytes, headerLength, path))) {
    if (name !== '__metadata__') weights.set(name, readTensor(name, entry, body, path));
  }
  return weights;
}

function parseHeader(bytes: Buffer, length: number, path: string): Record<string, Entry> {
  try {
    return JSON.parse(bytes.toString('utf8', 8, 8 + length)) as Record<string, Entry>;
  } catch (error) {
    throw damaged(path, 'safetensors', 'a JSON header', messageOf(error));
  }
}

function readTensor(name: string, entry: Entry, body: Buffer, path: string): WeightTensor {
  const type = TYPES[String(entry.dtype)];
  if (type === undefined)
    throw damaged(path, 'safetensors', `one of ${Object.keys(TYPES).join(' ')}`, `${entry.dtype} in ${name}`);
  if (!isCounts(entry.shape) || !isCounts(entry.data_offsets)) {
    throw damaged(path, 'safetensors', `shape and data_offsets of ${name}`, JSON.stringify(entry));
  }
  const [start = 0, end = 0] = entry.data_offsets;
  const expected = elementCount(entry.shape) * bytesPerElement(type);
  if (end - start !== expected || end > body.length) {
    throw damaged(path, 'safetensors', `${expected} bytes of ${name}`, `range ${start}-${end} in ${body.length} bytes`);
  }
  return { shape: [...entry.shape], data: decodeElements(body.subarray(start, end), type) };
}

function isCounts(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((item) => Number.isSafeInteger(item) && item >= 0);
}

/** Encodes tensors as fp32 .safetensors. The header is padded so that the data begin at a multiple of 8 bytes. */
export function encodeSafetensors(weights: Weights, metadata: Record<string, string> = {}): Buffer {
  const header: Record<string, unknown> = { __metadata__: { format: 'pt', ...metadata } };
  let offset = 0;
  for (const [name, tensor] of weights) {
    header[name] = { dtype: 'F32', shape: tensor.shape, data_offsets: [offset, offset + tensor.data.byteLength] };
    offset += tensor.data.byteLength;
  }
  const json = JSON.stringify(header);
  const text = Buffer.from(json.padEnd(json.length + ((8 - (Buffer.byteLength(json) % 8)) % 8)));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  const tensors = [...weights.values()].map(({ data }) => Buffer.from(data.buffer, data.byteOffset, data.byteLength));
  return Buffer.concat([length, text, ...tensors]);
}
