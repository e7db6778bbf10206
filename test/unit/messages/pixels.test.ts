// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { QpvoError } from '../../../src/error.ts';
import { PIXEL_ENCODINGS, pixelEncodingOf, rowBytes } from '../../../src/messages/encodings.ts';
import { toCameraImage } from '../../../src/messages/pixels.ts';
import type { ImageFrame, PixelEncoding } from '../../../src/sources/Source.ts';

const PADDING = 0xee;

/** A frame of these rows; each row gets `padding` more bytes, which must never show. */
function frameOf(
  encoding: PixelEncoding,
  width: number,
  rows: number[][],
  padding = 0,
  isBigEndian = false,
): ImageFrame {
  const step = rows[0]!.length + padding;
  const data = Uint8Array.from(rows.flatMap((row) => [...row, ...new Array<number>(padding).fill(PADDING)]));
  return { stampNs: 5n, width, height: rows.length, encoding, step, isBigEndian, data };
}

interface Case {
  name: string;
  encoding: PixelEncoding;
  width: number;
  rows: number[][];
  isBigEndian?: boolean;
  gray: number[];
  bgr: number[];
}

const RAMP = [
  [10, 20, 30, 40],
  [50, 60, 70, 80],
  [90, 100, 110, 120],
  [130, 140, 150, 160],
];

/** Gray of pure red, green and blue is 76, 150 and 29, as OpenCV has it. */
const CASES: Case[] = [
  {
    name: 'as it stands',
    encoding: 'mono8',
    width: 2,
    rows: [
      [1, 2],
      [3, 4],
    ],
    gray: [1, 2, 3, 4],
    bgr: [1, 2, 3, 4],
  },
  {
    name: 'high byte, little endian',
    encoding: 'mono16',
    width: 2,
    rows: [[0x34, 0x12, 0xff, 0x00]],
    gray: [0x12, 0],
    bgr: [0x12, 0],
  },
  {
    name: 'high byte, big endian',
    encoding: 'mono16',
    width: 2,
    rows: [[0x34, 0x12, 0xff, 0x00]],
    isBigEndian: true,
    gray: [0x34, 255],
    bgr: [0x34, 255],
  },
  {
    name: 'red, blue',
    encoding: 'rgb8',
    width: 2,
    rows: [[255, 0, 0, 0, 0, 255]],
    gray: [76, 29],
    bgr: [0, 0, 255, 255, 0, 0],
  },
  {
    name: 'red, green',
    encoding: 'bgr8',
    width: 2,
    rows: [[0, 0, 255, 0, 255, 0]],
    gray: [76, 150],
    bgr: [0, 0, 255, 0, 255, 0],
  },
  {
    name: 'white, red',
    encoding: 'rgba8',
    width: 2,
    rows: [[255, 255, 255, 7, 255, 0, 0, 8]],
    gray: [255, 76],
    bgr: [255, 255, 255, 0, 0, 255],
  },
  {
    name: 'blue, red',
    encoding: 'bgra8',
    width: 2,
    rows: [[255, 0, 0, 7, 0, 0, 255, 8]],
    gray: [29, 76],
    bgr: [255, 0, 0, 0, 0, 255],
  },
  {
    name: 'U Y V Y: white, black, then one odd red pixel',
    encoding: 'yuv422',
    width: 3,
    rows: [[128, 235, 128, 16, 90, 81, 240, 0]],
    gray: [235, 16, 81],
    bgr: [255, 255, 255, 0, 0, 0, 0, 0, 254],
  },
  {
    name: 'Y U Y V: white, black, then red twice',
    encoding: 'yuv422_yuy2',
    width: 4,
    rows: [[235, 128, 16, 128, 81, 90, 81, 240]],
    gray: [235, 16, 81, 81],
    bgr: [255, 255, 255, 0, 0, 0, 0, 0, 254, 0, 0, 254],
  },
];

describe('pixels', () => {
  for (const { name, encoding, width, rows, isBigEndian = false, gray, bgr } of CASES) {
    for (const padding of [0, 5]) {
      it(`${encoding}, ${name}${padding ? ', padded rows' : ''}`, () => {
        const frame = frameOf(encoding, width, rows, padding, isBigEndian);
        assert.deepEqual(rowsOf(toCameraImage(frame, 1)), gray);
        assert.deepEqual(rowsOf(toCameraImage(frame, 3)), bgr);
      });
    }
  }

  const phases: [PixelEncoding, number[][]][] = [
    [
      'bayer_rggb8',
      [
        [0, 1],
        [1, 2],
      ],
    ],
    [
      'bayer_bggr8',
      [
        [2, 1],
        [1, 0],
      ],
    ],
    [
      'bayer_gbrg8',
      [
        [1, 2],
        [0, 1],
      ],
    ],
    [
      'bayer_grbg8',
      [
        [1, 0],
        [2, 1],
      ],
    ],
  ];
  for (const [encoding, cell] of phases) {
    it(`${encoding}: a scene of one colour keeps it in every pixel, also at the borders`, () => {
      const colour = [200, 100, 50];
      const rows = [0, 1, 2, 3, 4].map((y) => [0, 1, 2, 3, 4, 5, 6].map((x) => colour[cell[y % 2]![x % 2]!]!));
      const frame = frameOf(encoding, 7, rows, 3);
      assert.deepEqual(rowsOf(toCameraImage(frame, 3)), Array.from({ length: 35 }, () => [50, 100, 200]).flat());
      const gray = Math.round(0.299 * 200 + 0.587 * 100 + 0.114 * 50);
      assert.deepEqual(rowsOf(toCameraImage(frame, 1)), new Array(35).fill(gray));
    });
  }

  it('bayer_rggb8: missing colours are the mean of their neighbours, mirrored at the border', () => {
    const out = rowsOf(toCameraImage(frameOf('bayer_rggb8', 4, RAMP, 2), 3));
    const at = (x: number, y: number): number[] => out.slice((y * 4 + x) * 3, (y * 4 + x) * 3 + 3);
    assert.deepEqual(at(0, 0), [60, 35, 10]);
    assert.deepEqual(at(1, 0), [60, 20, 20]);
    assert.deepEqual(at(0, 1), [60, 50, 50]);
    assert.deepEqual(at(1, 1), [60, 60, 60]);
    assert.deepEqual(at(3, 3), [160, 135, 110]);
  });

  it('a 1x1 mosaic has no neighbours and is no error', () => {
    assert.deepEqual(rowsOf(toCameraImage(frameOf('bayer_rggb8', 1, [[80]]), 3)), [80, 80, 80]);
  });

  it('mono8 is passed on as gray without a copy, with its step, whatever is asked for', () => {
    const frame = frameOf(
      'mono8',
      2,
      [
        [1, 2],
        [3, 4],
      ],
      6,
    );
    for (const channels of [1, 3] as const) {
      const image = toCameraImage(frame, channels, new Uint8Array(100));
      assert.equal(image.data, frame.data);
      assert.deepEqual(image, { stampNs: 5n, width: 2, height: 2, channels: 1, step: 8, data: frame.data });
    }
  });

  it('writes into the array given when it is large enough, and never beyond the image', () => {
    for (const encoding of PIXEL_ENCODINGS.filter((name) => name !== 'mono8')) {
      const row = new Array<number>(rowBytes(encoding, 4)).fill(100);
      const into = new Uint8Array(4 * 2 * 3 + 8).fill(PADDING);
      const image = toCameraImage(frameOf(encoding, 4, [row, row], 3), 3, into);
      assert.equal(image.data, into, encoding);
      const bytes = 4 * 2 * image.channels;
      assert.ok(
        into.subarray(bytes).every((v) => v === PADDING),
        encoding,
      );
      const tooSmall = new Uint8Array(bytes - 1);
      assert.equal(toCameraImage(frameOf(encoding, 4, [row, row], 3), 3, tooSmall).data.length, bytes, encoding);
    }
  });

  it('an image without the padding of its last row is whole', () => {
    const frame = frameOf(
      'rgb8',
      1,
      [
        [1, 2, 3],
        [4, 5, 6],
      ],
      2,
    );
    assert.deepEqual(rowsOf(toCameraImage({ ...frame, data: frame.data.subarray(0, 8) }, 3)), [3, 2, 1, 6, 5, 4]);
  });

  it('data shorter than step x height is refused with both numbers', () => {
    const frame = frameOf(
      'rgb8',
      1,
      [
        [1, 2, 3],
        [4, 5, 6],
      ],
      2,
    );
    assert.throws(() => toCameraImage({ ...frame, data: frame.data.subarray(0, 7) }, 1), {
      code: 'QPVO_SOURCE_CORRUPT',
      message: /8 bytes .*received 7/,
    });
  });

  it('a step shorter than a row is refused', () => {
    const frame = frameOf('bgr8', 2, [[1, 2, 3, 4, 5, 6]]);
    assert.throws(() => toCameraImage({ ...frame, step: 5 }, 1), {
      code: 'QPVO_SOURCE_CORRUPT',
      message: /step of at least 6/,
    });
    assert.throws(() => toCameraImage({ ...frame, width: 0 }, 1), { code: 'QPVO_SOURCE_CORRUPT' });
  });

  const aliases: [string, PixelEncoding][] = [
    ['8UC1', 'mono8'],
    ['8UC3', 'bgr8'],
    ['8UC4', 'bgra8'],
    ['16UC1', 'mono16'],
    ['uyvy', 'yuv422'],
    ['yuyv', 'yuv422_yuy2'],
    ['yuv422', 'yuv422'],
    ['RGB8', 'rgb8'],
  ];
  for (const [name, encoding] of aliases) {
    it(`"${name}" is ${encoding}`, () => assert.equal(pixelEncodingOf(name), encoding));
  }

  for (const name of ['32FC1', 'nv21', '', 'constructor', 'bayer_rggb16']) {
    it(`"${name}" is refused with the list of encodings`, () =>
      assert.throws(
        () => pixelEncodingOf(name),
        (error: unknown) =>
          error instanceof QpvoError &&
          error.code === 'QPVO_ENCODING' &&
          PIXEL_ENCODINGS.every((known) => error.message.includes(known)),
      ));
  }
});

/** The pixels without row padding. */
function rowsOf(image: { width: number; height: number; channels: number; step: number; data: Uint8Array }): number[] {
  const { width, height, channels, step, data } = image;
  return Array.from({ length: height }, (_, y) => [...data.subarray(y * step, y * step + width * channels)]).flat();
}
