// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import sharp from 'sharp';
import { decodeCompressedImage, decodeImage } from '../../../src/messages/compressedImage.ts';
import { toCameraImage } from '../../../src/messages/pixels.ts';
import { png, scenePixels } from '../../fixtures/scenes.ts';

describe('compressed images', () => {
  it('gray PNG stays one channel, bit-exact', async () => {
    const { data, ...layout } = await decodeImage(await png(scenePixels(3)));
    assert.deepEqual(layout, { width: 20, height: 16, encoding: 'mono8', step: 20, isBigEndian: false });
    assert.deepEqual(Uint8Array.from(data), scenePixels(3));
  });

  it('colour PNG is rgb8, bit-exact', async () => {
    const pixels = scenePixels(3, 20, 16, 3);
    const { data, ...layout } = await decodeImage(await png(pixels, 20, 16, 3));
    assert.deepEqual(layout, { width: 20, height: 16, encoding: 'rgb8', step: 60, isBigEndian: false });
    assert.deepEqual(Uint8Array.from(data), pixels);
  });

  it('16-bit gray PNG is mono16 with all its bits', async () => {
    const values = Uint16Array.from({ length: 20 * 16 }, (_, i) => i * 331);
    const file = await sharp(values, { raw: { width: 20, height: 16, channels: 1 } })
      .toColourspace('grey16')
      .png()
      .toBuffer();
    const decoded = await decodeImage(file);
    assert.deepEqual([decoded.encoding, decoded.step, decoded.isBigEndian], ['mono16', 40, false]);
    const bytes = Uint8Array.from(decoded.data);
    assert.deepEqual(new Uint16Array(bytes.buffer), values);
    const gray = toCameraImage({ stampNs: 0n, ...decoded }, 1);
    assert.deepEqual(
      [...gray.data],
      [...values].map((value) => value >> 8),
    );
  });

  it('transparency is dropped, from colour and from gray', async () => {
    const rgba = await sharp(scenePixels(1, 20, 16, 4), { raw: { width: 20, height: 16, channels: 4 } })
      .png()
      .toBuffer();
    assert.equal((await decodeImage(rgba)).encoding, 'rgb8');
    const gray = sharp(scenePixels(1, 20, 16, 2), { raw: { width: 20, height: 16, channels: 2 } });
    const decoded = await decodeImage(await gray.toColourspace('b-w').png().toBuffer());
    assert.deepEqual([decoded.encoding, decoded.step], ['mono8', 20]);
  });

  it('gray JPEG is mono8, colour JPEG is rgb8, both near the original', async () => {
    const flat = new Uint8Array(16 * 16).fill(90);
    const gray = await sharp(flat, { raw: { width: 16, height: 16, channels: 1 } })
      .toColourspace('b-w')
      .jpeg()
      .toBuffer();
    const decoded = await decodeImage(gray);
    assert.equal(decoded.encoding, 'mono8');
    assert.ok(decoded.data.every((value) => Math.abs(value - 90) <= 1));
    const red = await sharp({ create: { width: 16, height: 16, channels: 3, background: { r: 200, g: 20, b: 30 } } })
      .jpeg()
      .toBuffer();
    const colour = await decodeImage(red);
    assert.equal(colour.encoding, 'rgb8');
    assert.ok(Math.abs(colour.data[0]! - 200) <= 4 && Math.abs(colour.data[2]! - 30) <= 4);
  });

  it('a colour mosaic compressed as gray is known by the format text', async () => {
    const file = await png(scenePixels(0));
    assert.equal((await decodeCompressedImage(file, 'bayer_grbg8; png compressed ')).encoding, 'bayer_grbg8');
    assert.equal((await decodeCompressedImage(file, 'mono8; png compressed mono8')).encoding, 'mono8');
    const converted = await png(scenePixels(0, 20, 16, 3), 20, 16, 3);
    assert.equal((await decodeCompressedImage(converted, 'bayer_grbg8; jpeg compressed bgr8')).encoding, 'rgb8');
  });

  it('a cut or damaged file is refused, whatever is left of it', async () => {
    const file = await png(scenePixels(1, 64, 48), 64, 48);
    const flipped = Buffer.from(file);
    flipped[file.length - 30]! ^= 0xff;
    const bad = [
      file.subarray(0, 0),
      file.subarray(0, 20),
      file.subarray(0, file.length / 2),
      flipped,
      Buffer.from('no image'),
    ];
    for (const bytes of bad) {
      await assert.rejects(decodeImage(bytes), {
        code: 'QPVO_SOURCE_CORRUPT',
        message: new RegExp(`${bytes.length} bytes`),
      });
    }
  });
});
