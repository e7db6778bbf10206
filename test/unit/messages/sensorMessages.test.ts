// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { QpvoError } from '../../../src/error.ts';
import type { Serialization } from '../../../src/messages/FieldReader.ts';
import { readCameraInfo, readCompressedImage, readHeader, readImage } from '../../../src/messages/sensorMessages.ts';
import {
  CAMERA_INFO,
  cameraInfoMessage,
  compressedMessage,
  imageMessage,
  type Wire,
} from '../../fixtures/rosMessages.ts';

const STAMP = 1403638538577829376n;
const WIRES: [Wire, Serialization][] = [
  ['cdr', 'cdr'],
  ['cdr-be', 'cdr'],
  ['ros1', 'ros1'],
];

describe('sensor messages', () => {
  for (const [wire, serialization] of WIRES) {
    it(`Image, ${wire}`, () => {
      const data = Uint8Array.from({ length: 24 }, (_, i) => 200 - i);
      const image = { stampNs: STAMP, width: 3, height: 4, encoding: 'mono16', isBigEndian: true, step: 6, data };
      const bytes = imageMessage(image, wire);
      const read = readImage(bytes, serialization);
      assert.deepEqual(
        { ...read, data: Uint8Array.from(read.data) },
        {
          header: { stampNs: STAMP, frameId: 'cam0' },
          width: 3,
          height: 4,
          encoding: 'mono16',
          isBigEndian: true,
          step: 6,
          data,
        },
      );
      assert.equal(read.data.buffer, bytes.buffer, 'data is a view of the message');
      assert.deepEqual(readHeader(bytes, serialization), { stampNs: STAMP, frameId: 'cam0' });
    });

    it(`CompressedImage, ${wire}`, () => {
      const read = readCompressedImage(compressedMessage(STAMP, 'jpeg', Uint8Array.of(1, 2, 3), wire), serialization);
      assert.equal(read.header.stampNs, STAMP);
      assert.equal(read.format, 'jpeg');
      assert.deepEqual([...read.data], [1, 2, 3]);
    });

    for (const d of [[], [-0.28, 0.07, 0.0002, 0.00002, 0]]) {
      it(`CameraInfo with ${d.length} coefficients, ${wire}`, () => {
        const read = readCameraInfo(cameraInfoMessage(STAMP, { ...CAMERA_INFO, d }, wire), serialization);
        assert.deepEqual([read.width, read.height, read.distortion_model], [20, 16, 'plumb_bob']);
        assert.deepEqual([read.d, read.k, read.p], [d, CAMERA_INFO.k, CAMERA_INFO.p]);
        assert.deepEqual(read.r, [1, 0, 0, 0, 1, 0, 0, 0, 1]);
      });
    }

    it(`every cut of an Image is refused, ${wire}`, () => {
      const bytes = imageMessage(
        { stampNs: STAMP, width: 2, height: 2, encoding: 'mono8', data: Uint8Array.of(1, 2, 3, 4) },
        wire,
      );
      for (let length = 0; length < bytes.length; length++) {
        assert.throws(
          () => readImage(bytes.subarray(0, length), serialization),
          isCorrupt,
          `${length} of ${bytes.length} bytes`,
        );
      }
    });
  }

  it('a length beyond the message is refused without allocating it', () => {
    const bytes = imageMessage({ stampNs: STAMP, width: 1, height: 1, encoding: 'mono8', data: Uint8Array.of(9) });
    new DataView(bytes.buffer).setUint32(bytes.length - 5, 0xffffffff, true);
    assert.throws(() => readImage(bytes, 'cdr'), isCorrupt);
  });

  it('other encapsulations are refused by name', () => {
    assert.throws(() => readHeader(Uint8Array.of(0, 3, 0, 0, 0, 0, 0, 0), 'cdr'), /plain CDR.*0x0003/);
  });
});

function isCorrupt(error: unknown): boolean {
  return error instanceof QpvoError && error.code === 'QPVO_SOURCE_CORRUPT';
}
