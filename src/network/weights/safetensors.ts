// SPDX-License-Identifier: MIT
import { messageOf } from '../../error.ts';
import { damaged } from './damaged.ts';
import { bytesPerElement, decodeElements, type ElementType, nearestHalf, toHalves } from './elements.ts';
import type { Int8Tensor, RuntimeTensors } from './RuntimeTensors.ts';
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

/** The text entries beside the tensors. */
const METADATA = '__metadata__';

/** Reads a .safetensors file: u64 header length, JSON header, then the tensors back to back. All become fp32. */
export function readSafetensors(bytes: Buffer, path: string): Weights {
  return readTensors(bytes, path, floatTensor);
}

/** Reads a .safetensors file; int8 tensors stay int8, all others become fp32. */
export function readMixedSafetensors(bytes: Buffer, path: string): Map<string, WeightTensor | Int8Tensor> {
  return readTensors(bytes, path, (data, type, shape) =>
    type === 'i8' ? { shape, data: new Int8Array(new Uint8Array(data).buffer) } : floatTensor(data, type, shape),
  );
}

/** The metadata of a .safetensors file; empty when it has none. */
export function readSafetensorsMetadata(bytes: Buffer, path: string): Record<string, unknown> {
  const { header } = readHeader(bytes, path);
  return { ...(header[METADATA] as Record<string, unknown> | undefined) };
}

function floatTensor(data: Uint8Array, type: ElementType, shape: number[]): WeightTensor {
  return { shape, data: decodeElements(data, type) };
}

function readTensors<T>(
  bytes: Buffer,
  path: string,
  decode: (data: Uint8Array, type: ElementType, shape: number[]) => T,
): Map<string, T> {
  const { header, body } = readHeader(bytes, path);
  const tensors = new Map<string, T>();
  for (const [name, entry] of Object.entries(header)) {
    if (name === METADATA) continue;
    const { data, type, shape } = checkedEntry(name, entry, body, path);
    tensors.set(name, decode(data, type, shape));
  }
  return tensors;
}

function readHeader(bytes: Buffer, path: string): { header: Record<string, Entry>; body: Buffer } {
  const length = bytes.length < 8 ? -1 : Number(bytes.readBigUInt64LE(0));
  if (length < 2 || length > bytes.length - 8) {
    throw damaged(path, 'safetensors', 'a header inside the file', `a header of ${length} bytes in ${bytes.length}`);
  }
  return { header: parseHeader(bytes, length, path), body: bytes.subarray(8 + length) };
}

function parseHeader(bytes: Buffer, length: number, path: string): Record<string, Entry> {
  try {
    return JSON.parse(bytes.toString('utf8', 8, 8 + length)) as Record<string, Entry>;
  } catch (error) {
    throw damaged(path, 'safetensors', 'a JSON header', messageOf(error));
  }
}

function checkedEntry(
  name: string,
  entry: Entry,
  body: Buffer,
  path: string,
): { data: Buffer; type: ElementType; shape: number[] } {
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
  return { data: body.subarray(start, end), type, shape: [...entry.shape] };
}

function isCounts(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((item) => Number.isSafeInteger(item) && item >= 0);
}

/** Encodes tensors as .safetensors of fp32, int8 and (scales) fp16. The header is padded so that the data begin at a multiple of 8 bytes. */
export function encodeSafetensors(tensors: RuntimeTensors, metadata: Record<string, string> = {}): Buffer {
  const header: Record<string, unknown> = { [METADATA]: { format: 'pt', ...metadata } };
  let offset = 0;
  const bodies: Buffer[] = [];
  const arrays = [...tensors].map(([name, { shape, data }]) => ({ name, shape, ...stored(name, data) }));
  // The widest elements first, so that every array begins at a multiple of its element.
  arrays.sort((a, b) => b.values.BYTES_PER_ELEMENT - a.values.BYTES_PER_ELEMENT);
  for (const { name, shape, dtype, values } of arrays) {
    header[name] = { dtype, shape, data_offsets: [offset, offset + values.byteLength] };
    offset += values.byteLength;
    bodies.push(Buffer.from(values.buffer, values.byteOffset, values.byteLength));
  }
  const json = JSON.stringify(header);
  const text = Buffer.from(json.padEnd(json.length + ((8 - (Buffer.byteLength(json) % 8)) % 8)));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  return Buffer.concat([length, text, ...bodies]);
}

type Stored = { dtype: 'I8' | 'F16' | 'F32'; values: Int8Array | Uint16Array | Float32Array };

/** Scales that half precision holds exactly, as those of training/ are, take two bytes each. */
function stored(name: string, data: Float32Array | Int8Array): Stored {
  if (data instanceof Int8Array) return { dtype: 'I8', values: data };
  if (name.endsWith('_scale') && data.every((value) => nearestHalf(value) === value)) {
    return { dtype: 'F16', values: toHalves(data) };
  }
  return { dtype: 'F32', values: data };
}
