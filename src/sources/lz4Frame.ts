// SPDX-License-Identifier: MIT
// LZ4 frames and blocks (lz4_Frame_format 1.6, lz4_Block_format). The WebAssembly decoder in reach keeps failing after its first damaged input.
import { xxh32 } from './xxh32.ts';

const MAGIC = 0x184d2204;
const STORED = 0x80000000;

/**
 * The content of an LZ4 frame of known size.
 *
 * @throws Error when the frame is damaged, as its checksum tells where it has one, or the size is another
 */
export function decodeLz4Frame(frame: Uint8Array, size: number): Uint8Array {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  const flags = frame.length >= 7 && view.getUint32(0, true) === MAGIC ? frame[4]! : 0;
  if (flags >> 6 !== 1) throw new Error('no LZ4 frame');
  const hasBlockChecksum = (flags & 16) !== 0;
  const hasContentChecksum = (flags & 4) !== 0;
  let position = 7 + ((flags & 8) !== 0 ? 8 : 0) + ((flags & 1) !== 0 ? 4 : 0);
  const nextUint32 = (): number => {
    if (position + 4 > frame.length) throw new Error('an LZ4 frame ends too early');
    position += 4;
    return view.getUint32(position - 4, true);
  };
  const out = new Uint8Array(size);
  let filled = 0;
  for (let header = nextUint32(); header !== 0; header = nextUint32()) {
    const length = header % STORED;
    const end = position + length;
    if (end > frame.length) throw new Error('an LZ4 block ends too early');
    const block = frame.subarray(position, end);
    filled = header >= STORED ? store(block, out, filled) : decodeBlock(block, out, filled);
    position = end + (hasBlockChecksum ? 4 : 0);
  }
  if (filled !== size) throw new Error(`an LZ4 frame holds ${filled} bytes where ${size} should be`);
  if (hasContentChecksum && nextUint32() !== xxh32(out)) throw new Error('the checksum of an LZ4 frame is wrong');
  return out;
}

function store(block: Uint8Array, out: Uint8Array, start: number): number {
  if (start + block.length > out.length) throw tooLong();
  out.set(block, start);
  return start + block.length;
}

/** Appends the content of one block to `out` at `o`; returns where it ends. Matches may reach back into earlier blocks. */
function decodeBlock(block: Uint8Array, out: Uint8Array, o: number): number {
  const size = block.length;
  for (let i = 0; i < size; ) {
    const token = block[i++]!;
    let literals = token >> 4;
    // Reading past the end gives undefined, which is no 255 and makes the length NaN: the checks below refuse it.
    if (literals === 15) {
      while (block[i] === 255) {
        literals += 255;
        i++;
      }
      literals += block[i++]!;
    }
    if (!(i + literals <= size && o + literals <= out.length)) throw tooLong();
    for (const end = i + literals; i < end; ) out[o++] = block[i++]!;
    if (i === size) break;
    const offset = block[i]! + block[i + 1]! * 256;
    i += 2;
    let match = (token & 15) + 4;
    if (match === 19) {
      while (block[i] === 255) {
        match += 255;
        i++;
      }
      match += block[i++]!;
    }
    if (!(offset >= 1 && offset <= o)) throw new Error('an LZ4 match reaches before the start');
    if (!(o + match <= out.length)) throw tooLong();
    // Byte by byte: a match may overlap what it writes.
    for (const end = o + match; o < end; o++) out[o] = out[o - offset]!;
  }
  return o;
}

function tooLong(): Error {
  return new Error('an LZ4 block is longer than it should be');
}
