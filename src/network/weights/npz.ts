// SPDX-License-Identifier: MIT
import { damaged } from './damaged.ts';
import { bytesPerElement, decodeElements, type ElementType } from './elements.ts';
import { elementCount, type Weights, type WeightTensor } from './Weights.ts';
import { readZip } from './zip.ts';

const TYPES: Record<string, ElementType> = {
  '<f8': 'f64',
  '<f4': 'f32',
  '<f2': 'f16',
  '<i8': 'i64',
  '<i4': 'i32',
  '<i2': 'i16',
  '|i1': 'i8',
  '|u1': 'u8',
  '|b1': 'bool',
};

/** Reads a NumPy .npz: a zip archive with one .npy file per array. */
export function readNpz(bytes: Buffer, path: string): Weights {
  const weights: Weights = new Map();
  for (const [name, member] of readZip(bytes, path)) {
    if (name.endsWith('.npy')) weights.set(name.slice(0, -4), readNpy(member, `${path}:${name}`));
  }
  return weights;
}

/** Reads one .npy array (format versions 1 to 3, C order, little-endian). */
export function readNpy(bytes: Buffer, path: string): WeightTensor {
  if (bytes.length < 12 || bytes.toString('latin1', 0, 6) !== '\x93NUMPY') {
    throw damaged(path, 'npy', 'the NumPy signature', 'other bytes');
  }
  const wide = bytes[6]! >= 2;
  const start = wide ? 12 : 10;
  const end = start + (wide ? bytes.readUInt32LE(8) : bytes.readUInt16LE(8));
  const header = bytes.toString('latin1', start, end);
  const type = TYPES[/'descr':\s*'([^']*)'/.exec(header)?.[1] ?? ''];
  const shape = /'shape':\s*\(([^)]*)\)/.exec(header)?.[1];
  if (type === undefined || shape === undefined || !/'fortran_order':\s*False/.test(header)) {
    throw damaged(path, 'npy', 'a C-ordered little-endian array of numbers', header.trim());
  }
  const lengths = shape
    .split(',')
    .filter((text) => text.trim() !== '')
    .map(Number);
  const data = bytes.subarray(end, end + elementCount(lengths) * bytesPerElement(type));
  if (data.length !== elementCount(lengths) * bytesPerElement(type)) {
    throw damaged(path, 'npy', `${elementCount(lengths)} elements`, `${data.length} bytes`);
  }
  return { shape: lengths, data: decodeElements(data, type) };
}
