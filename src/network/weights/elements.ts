// SPDX-License-Identifier: MIT

/** Element types that weight files may hold; all are little-endian. */
export type ElementType = 'f64' | 'f32' | 'f16' | 'bf16' | 'i64' | 'i32' | 'i16' | 'i8' | 'u8' | 'bool';

const BYTES: Record<ElementType, number> = {
  f64: 8,
  f32: 4,
  f16: 2,
  bf16: 2,
  i64: 8,
  i32: 4,
  i16: 2,
  i8: 1,
  u8: 1,
  bool: 1,
};

/** Size of one element in bytes. */
export function bytesPerElement(type: ElementType): number {
  return BYTES[type];
}

/** Decodes little-endian elements to fp32. The bytes need no alignment; their number must be a multiple of the element size. */
export function decodeElements(bytes: Uint8Array, type: ElementType): Float32Array {
  if (type === 'f32') return new Float32Array(new Uint8Array(bytes).buffer);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const read = READERS[type];
  const size = BYTES[type];
  return Float32Array.from({ length: bytes.byteLength / size }, (_, i) => read(view, i * size));
}

const READERS: Record<ElementType, (view: DataView, at: number) => number> = {
  f64: (view, at) => view.getFloat64(at, true),
  f32: (view, at) => view.getFloat32(at, true),
  f16: (view, at) => halfToNumber(view.getUint16(at, true)),
  bf16: (view, at) => bfloatToNumber(view.getUint16(at, true)),
  i64: (view, at) => Number(view.getBigInt64(at, true)),
  i32: (view, at) => view.getInt32(at, true),
  i16: (view, at) => view.getInt16(at, true),
  i8: (view, at) => view.getInt8(at),
  u8: (view, at) => view.getUint8(at),
  bool: (view, at) => (view.getUint8(at) === 0 ? 0 : 1),
};

function halfToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

const scratch = new DataView(new ArrayBuffer(4));

function bfloatToNumber(bits: number): number {
  scratch.setUint32(0, bits << 16);
  return scratch.getFloat32(0);
}

/** The nearest half-precision numbers, ties to even, as bits; beyond the largest (65504) infinity. */
export function toHalves(values: Float32Array): Uint16Array {
  return Uint16Array.from(values, halfBits);
}

/** The nearest half-precision number. */
export function nearestHalf(value: number): number {
  return halfToNumber(halfBits(value));
}

function halfBits(value: number): number {
  scratch.setFloat32(0, value);
  const bits = scratch.getUint32(0);
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00;
  if (magnitude >= 0x477ff000) return sign | 0x7c00;
  if (magnitude < 0x38800000) {
    // Subnormal: whole multiples of 2^-24.
    const multiple = Math.abs(value) * 2 ** 24;
    const below = Math.floor(multiple);
    const rest = multiple - below;
    return sign | (below + (rest > 0.5 || (rest === 0.5 && below % 2 === 1) ? 1 : 0));
  }
  const kept = magnitude - 0x38000000;
  return sign | ((kept + 0xfff + ((kept >>> 13) & 1)) >>> 13);
}
