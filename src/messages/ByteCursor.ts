// SPDX-License-Identifier: MIT
import { QpvoError } from '../error.ts';

const utf8 = new TextDecoder();

/** A position in the bytes of one message, with bounds checks and optional alignment. */
export class ByteCursor {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #littleEndian: boolean;
  readonly #origin: number;
  #offset: number;

  /** @param origin offset that alignment counts from, where reading begins */
  constructor(bytes: Uint8Array, origin: number, littleEndian: boolean) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#littleEndian = littleEndian;
    this.#origin = origin;
    this.#offset = origin;
  }

  align(size: number): void {
    this.#offset += (size - ((this.#offset - this.#origin) % size)) % size;
  }

  uint8(): number {
    return this.#view.getUint8(this.#take(1));
  }

  int32(): number {
    return this.#view.getInt32(this.#take(4), this.#littleEndian);
  }

  uint32(): number {
    return this.#view.getUint32(this.#take(4), this.#littleEndian);
  }

  uint64(): bigint {
    return this.#view.getBigUint64(this.#take(8), this.#littleEndian);
  }

  float64(): number {
    return this.#view.getFloat64(this.#take(8), this.#littleEndian);
  }

  /** A view of the next bytes. */
  view(length: number): Uint8Array {
    const start = this.#take(length);
    return this.#bytes.subarray(start, start + length);
  }

  text(length: number): string {
    return utf8.decode(this.view(length));
  }

  #take(length: number): number {
    const start = this.#offset;
    if (start + length > this.#bytes.length) {
      throw new QpvoError('QPVO_SOURCE_CORRUPT', {
        what: 'a message ends too early',
        expected: `${length} more bytes at offset ${start}`,
        received: `a message of ${this.#bytes.length} bytes`,
      });
    }
    this.#offset = start + length;
    return start;
  }
}
