// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { loadDecompressHandlers } from '@mcap/support';
import { decodeLz4Frame } from '../../../src/sources/lz4Frame.ts';
import { xxh32 } from '../../../src/sources/xxh32.ts';
import { lz4Compressed } from '../../fixtures/lz4Compressed.ts';
import { lz4Stored } from '../../fixtures/lz4Stored.ts';

const text = (value: string): Uint8Array => new TextEncoder().encode(value);
const random = (count: number): Uint8Array => {
  let state = 12345;
  return Uint8Array.from({ length: count }, () => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return state >>> 24;
  });
};

const CONTENTS: [string, Uint8Array][] = [
  ['nothing', new Uint8Array()],
  ['one byte', Uint8Array.of(7)],
  ['a run, which overlaps itself', new Uint8Array(1000).fill(7)],
  ['repeated words', text('visual odometry '.repeat(200))],
  ['noise, which does not shrink', random(5000)],
  ['noise repeated over two blocks', Uint8Array.from([...random(40000), ...random(40000)])],
  ['long literals between long matches', Uint8Array.from([...random(700), ...new Uint8Array(700), ...random(700)])],
];

describe('LZ4 frames', () => {
  for (const [name, content] of CONTENTS) {
    it(`${name}: stored, compressed, with checksum, as another decoder reads it`, async () => {
      const { lz4 } = await loadDecompressHandlers();
      const frames = [lz4Stored(content), lz4Compressed(content), lz4Compressed(content, xxh32)];
      for (const frame of frames) {
        assert.deepEqual(decodeLz4Frame(frame, content.length), content);
        if (content.length > 0) assert.deepEqual(lz4!(frame, BigInt(content.length)), content);
      }
    });
  }

  it('damage never yields other content, and the next frame is read as ever', () => {
    const content = text('visual odometry '.repeat(20));
    const frame = lz4Compressed(content, xxh32);
    let refused = 0;
    for (let at = 0; at < frame.length; at++) {
      for (const bits of [0x01, 0x10, 0x80, 0xff]) {
        const damaged = frame.slice();
        damaged[at]! ^= bits;
        // Without the flag for it, nothing is left that could tell.
        if ((damaged[4]! & 4) === 0) continue;
        try {
          assert.deepEqual(decodeLz4Frame(damaged, content.length), content, `byte ${at} ^ ${bits}`);
        } catch (error) {
          if (error instanceof assert.AssertionError) throw error;
          refused++;
        }
      }
    }
    assert.ok(refused > frame.length * 3, `${refused} refused`);
    for (let length = 0; length < frame.length; length++) {
      assert.throws(() => decodeLz4Frame(frame.subarray(0, length), content.length), Error, `cut to ${length}`);
    }
    assert.throws(() => decodeLz4Frame(frame, content.length - 1), Error);
    assert.throws(() => decodeLz4Frame(frame, content.length + 1), Error);
    assert.deepEqual(decodeLz4Frame(frame, content.length), content);
  });

  const sums: [string, number][] = [
    ['', 0x02cc5d05],
    ['a', 0x550d7456],
    ['abc', 0x32d153ff],
    ['Nobody inspects the spammish repetition', 0xe2293b2f],
  ];
  for (const [content, sum] of sums) {
    it(`xxh32("${content}") is the published value`, () => assert.equal(xxh32(text(content)), sum));
  }
});
