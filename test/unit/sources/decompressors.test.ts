// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { loadDecompressors } from '../../../src/sources/decompressors.ts';
import { lz4Compressed } from '../../fixtures/lz4Compressed.ts';

const CONTENT = new TextEncoder().encode('visual odometry '.repeat(20));

/** The content as the programs bzip2 and zstd compress it. */
const COMPRESSED = {
  lz4: lz4Compressed(CONTENT),
  bz2: Buffer.from(
    'QlpoOTFBWSZTWdVNGiEAAJWRgEAAJiafICAAUIAAAUqgTA9U4JhPidk7JhOSbE5J0TCek9JhOCYT+LuSKcKEhqpo0Qg=',
    'base64',
  ),
  zstd: Buffer.from('KLUv/WBAAL0AAIB2aXN1YWwgb2RvbWV0cnkgAQBaRp1L', 'base64'),
};

describe('decompression of chunks', () => {
  for (const name of ['lz4', 'bz2', 'zstd'] as const) {
    it(`${name}: whole, damaged, and whole again after it`, async () => {
      const decompress = (await loadDecompressors())[name];
      const bytes = COMPRESSED[name];
      assert.deepEqual(Uint8Array.from(decompress(bytes, CONTENT.length)), CONTENT);
      for (const cut of [bytes.length - 8, 9, 0])
        assert.throws(() => decompress(bytes.subarray(0, cut), CONTENT.length), `cut to ${cut}`);
      assert.deepEqual(Uint8Array.from(decompress(bytes, BigInt(CONTENT.length))), CONTENT);
    });

    it(`${name}: an absurd size is refused before anything is allocated`, async () => {
      const decompress = (await loadDecompressors())[name];
      assert.throws(() => decompress(COMPRESSED[name], 2 ** 40), /says it holds 1099511627776 bytes/);
    });
  }
});
