// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { mkdir, readFile, stat, truncate, writeFile } from 'node:fs/promises';
import { openSource } from '../../../src/sources/openSource.ts';
import type { SourceItem } from '../../../src/sources/Source.ts';
import { writeDb3 } from '../../fixtures/db3File.ts';
import { lz4Stored } from '../../fixtures/lz4Stored.ts';
import { writeMcap } from '../../fixtures/mcapFile.ts';
import { recording } from '../../fixtures/recording.ts';
import { writeRosbag1 } from '../../fixtures/rosbag1File.ts';
import { compressedMessage, imageMessage, type RecordedMessage, type Wire } from '../../fixtures/rosMessages.ts';
import { png, scenePixels, stampOf } from '../../fixtures/scenes.ts';
import { collect, faultsOf, framesOf } from '../../fixtures/sourceItems.ts';
import { temporaryFolder } from '../../fixtures/temporaryFolder.ts';

const FRAMES = 60;
/** Larger than a page of a database and than a chunk, as images are. */
const WIDTH = 120;
const HEIGHT = 80;
const lz4 = { name: 'lz4', bytes: lz4Stored };

interface Container {
  name: string;
  wire: Wire;
  write(path: string, messages: RecordedMessage[]): Promise<void> | void;
}

const CONTAINERS: Container[] = [
  { name: 'MCAP', wire: 'cdr', write: (path, messages) => writeMcap(path, messages, { chunkSize: 30000 }) },
  {
    name: 'MCAP without chunks',
    wire: 'cdr',
    write: (path, messages) => writeMcap(path, messages, { useChunks: false }),
  },
  { name: 'ROS 1 bag', wire: 'ros1', write: (path, messages) => writeRosbag1(path, messages) },
  {
    name: 'ROS 1 bag, compressed',
    wire: 'ros1',
    write: (path, messages) => writeRosbag1(path, messages, { compress: lz4 }),
  },
  { name: 'SQLite', wire: 'cdr', write: writeDb3 },
];

async function read(path: string): Promise<SourceItem[]> {
  const source = await openSource(path);
  try {
    return await collect(source.frames());
  } finally {
    await source.close();
  }
}

/** The first images, whole and in order, then one fault that names the file. Returns how many images there are. */
function wholeUntilFault(items: readonly SourceItem[], path: string): number {
  const frames = framesOf(items);
  assert.deepEqual(
    frames.map((frame) => frame.stampNs),
    frames.map((_, i) => stampOf(i)),
  );
  for (const [i, frame] of frames.entries())
    assert.deepEqual(frame.data, scenePixels(i, frame.width, frame.height), `image ${i}`);
  const last = items[items.length - 1]!;
  assert.ok('fault' in last, 'the last item is a fault');
  assert.equal(faultsOf(items).length, 1);
  assert.equal(last.isEnd, true);
  assert.ok(last.fault.startsWith(`${path} cannot be read beyond this point: `), last.fault);
  return frames.length;
}

describe('damaged bags', () => {
  const path = temporaryFolder();

  for (const { name, wire, write } of CONTAINERS) {
    describe(name, () => {
      it('cut off anywhere: the images before the cut are kept', async () => {
        await write(path('whole'), recording({ frames: FRAMES, wire, width: WIDTH, height: HEIGHT }));
        const { size } = await stat(path('whole'));
        const kept: number[] = [];
        for (const share of [0.4, 0.6, 0.8, 0.9]) {
          const file = path(`cut${share}`);
          await writeFile(file, await readFile(path('whole')));
          await truncate(file, Math.floor(size * share));
          kept.push(wholeUntilFault(await read(file), file));
        }
        assert.ok(kept[0]! >= FRAMES * 0.2, `kept ${kept}`);
        assert.deepEqual(
          kept,
          [...kept].sort((a, b) => a - b),
        );
        assert.ok(kept[3]! > kept[0]! && kept[3]! >= FRAMES * 0.6, `kept ${kept} of ${FRAMES}`);
      });

      it('cut to almost nothing: an error, not a crash', async () => {
        await write(path('whole'), recording({ frames: FRAMES, wire, width: WIDTH, height: HEIGHT }));
        for (const length of [16, 40, 100]) {
          await truncate(path('whole'), length).catch(() => undefined);
          await assert.rejects(openSource(path('whole')), { name: 'QpvoError' });
          await write(path(`whole${length}`), recording({ frames: FRAMES, wire, width: WIDTH, height: HEIGHT }));
        }
      });
    });
  }

  for (const { name, wire, write } of CONTAINERS.filter((container) => container.name !== 'SQLite')) {
    it(`${name} with garbage in the middle: what stands before is kept`, async () => {
      const file = path('a');
      await write(file, recording({ frames: FRAMES, wire, width: WIDTH, height: HEIGHT }));
      const bytes = await readFile(file);
      // 40 kB are more than a chunk, so its lengths and its compression break too.
      for (let i = 0; i < 40960; i++) bytes[Math.floor(bytes.length * 0.45) + i] = (i * 73 + 41) % 256;
      await writeFile(file, bytes);
      const kept = wholeUntilFault(await read(file), file);
      assert.ok(kept >= FRAMES * 0.3 && kept < FRAMES, `kept ${kept}`);
    });
  }

  it('SQLite with a page of garbage: what stands before is kept', async () => {
    const file = path('a.db3');
    writeDb3(file, recording({ frames: 400 }));
    const bytes = await readFile(file);
    bytes.fill(0xa5, bytes.length >> 1, (bytes.length >> 1) + 8192);
    await writeFile(file, bytes);
    const kept = wholeUntilFault(await read(file), file);
    assert.ok(kept > 50 && kept < 400, `kept ${kept}`);
  });

  it('a flipped bit in an MCAP chunk is caught by its checksum', async () => {
    const file = path('a.mcap');
    await writeMcap(file, recording({ frames: FRAMES, width: WIDTH, height: HEIGHT }), { chunkSize: 30000 });
    const bytes = await readFile(file);
    const at = bytes.indexOf(Buffer.from(scenePixels(30, WIDTH, HEIGHT)));
    assert.ok(at > 0);
    bytes[at + 100]! ^= 1;
    await writeFile(file, bytes);
    const kept = wholeUntilFault(await read(file), file);
    assert.ok(kept > 20 && kept <= 30, `kept ${kept}`);
  });

  it('a rosbag2 folder whose last file stayed empty, or is missing', async () => {
    await mkdir(path('bag'));
    const messages = recording({ frames: 12 });
    writeDb3(path('bag', 'a_0.db3'), messages.slice(0, 18));
    await writeFile(path('bag', 'a_1.db3'), '');
    writeDb3(path('bag', 'a_2.db3'), messages.slice(18));
    const items = await read(path('bag'));
    assert.deepEqual(
      items.map((item) => ('fault' in item ? 'fault' : Number(item.stampNs - stampOf(0)) / 5e7)),
      [0, 1, 2, 3, 4, 5, 'fault', 6, 7, 8, 9, 10, 11],
    );
    assert.match(faultsOf(items)[0]!.fault, /a_1\.db3 cannot be opened.*empty file/);
    assert.equal(faultsOf(items)[0]!.isEnd, undefined);

    await writeFile(
      path('bag', 'metadata.yaml'),
      'rosbag2_bagfile_information:\n  relative_file_paths: [a_0.db3, gone.db3]\n',
    );
    const rest = await read(path('bag'));
    assert.equal(framesOf(rest).length, 6);
    assert.match(faultsOf(rest)[0]!.fault, /gone\.db3/);
    assert.equal(faultsOf(rest)[0]!.isEnd, true);
  });
});

describe('damaged images in a whole bag', () => {
  const path = temporaryFolder();
  const image = (frame: number, change: object = {}): RecordedMessage => ({
    topic: '/image',
    type: 'sensor_msgs/Image',
    logTimeNs: stampOf(frame),
    data: imageMessage({
      stampNs: stampOf(frame),
      width: 20,
      height: 16,
      encoding: 'mono8',
      data: scenePixels(frame),
      ...change,
    }),
  });

  const damages: [string, object, RegExp][] = [
    [
      'data shorter than step x height',
      { data: scenePixels(2).subarray(0, 300), step: 20 },
      /incomplete.*320 bytes.*received 300/,
    ],
    ['a step shorter than a row', { step: 19 }, /contradicts itself.*step of at least 20/],
    ['an encoding that is not supported', { encoding: '32FC1' }, /32FC1/],
    ['no pixels', { width: 0 }, /contradicts itself/],
  ];
  for (const [name, change, message] of damages) {
    it(`${name}: a fault with the stamp, then the stream goes on`, async () => {
      await writeMcap(path('a.mcap'), [image(0), image(1), image(2, change), image(3)]);
      const items = await read(path('a.mcap'));
      assert.deepEqual(
        items.map((item) => item.stampNs),
        [0, 1, 2, 3].map(stampOf),
      );
      assert.deepEqual(
        items.map((item) => 'fault' in item),
        [false, false, true, false],
      );
      assert.match(faultsOf(items)[0]!.fault, message);
    });
  }

  it('a message cut short: a fault with the time of recording', async () => {
    const cut = image(1);
    await writeMcap(path('a.mcap'), [image(0), { ...cut, data: cut.data.subarray(0, 9) }, image(2)]);
    const items = await read(path('a.mcap'));
    assert.deepEqual(
      items.map((item) => [item.stampNs, 'fault' in item]),
      [
        [stampOf(0), false],
        [stampOf(1), true],
        [stampOf(2), false],
      ],
    );
  });

  it('a damaged first image does not keep the others from being read', async () => {
    await writeMcap(path('a.mcap'), [image(0, { data: scenePixels(0).subarray(0, 3), step: 20 }), image(1)]);
    const source = await openSource(path('a.mcap'));
    assert.deepEqual([source.info.width, source.info.imageCount], [undefined, 2]);
    assert.equal(framesOf(await collect(source.frames())).length, 1);
    await source.close();
  });

  it('an encoding that is not supported from the start is an error that lists the supported ones', async () => {
    await writeMcap(path('a.mcap'), [image(0, { encoding: 'nv21' })]);
    await assert.rejects(openSource(path('a.mcap')), {
      code: 'QPVO_ENCODING',
      message: /mono8.*bayer_rggb8.*yuv422.*"nv21"/,
    });
  });

  it('a PNG that is cut in the middle', async () => {
    const messages: RecordedMessage[] = [];
    for (let i = 0; i < 5; i++) {
      const file = await png(scenePixels(i, 64, 48), 64, 48);
      const data = compressedMessage(stampOf(i), 'png', i === 2 ? file.subarray(0, file.length / 2) : file);
      messages.push({ topic: '/image/compressed', type: 'sensor_msgs/CompressedImage', logTimeNs: stampOf(i), data });
    }
    await writeMcap(path('a.mcap'), messages);
    const items = await read(path('a.mcap'));
    assert.deepEqual(
      items.map((item) => item.stampNs),
      [0, 1, 2, 3, 4].map(stampOf),
    );
    assert.deepEqual(
      items.map((item) => 'fault' in item),
      [false, false, true, false, false],
    );
  });
});
