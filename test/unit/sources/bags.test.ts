// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { chmod, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { openSource } from '../../../src/sources/openSource.ts';
import { writeDb3 } from '../../fixtures/db3File.ts';
import { lz4Stored } from '../../fixtures/lz4Stored.ts';
import { writeMcap } from '../../fixtures/mcapFile.ts';
import { RECORDING_DELAY_NS, recording } from '../../fixtures/recording.ts';
import { writeRosbag1 } from '../../fixtures/rosbag1File.ts';
import {
  CAMERA_INFO,
  cameraInfoMessage,
  compressedMessage,
  imageMessage,
  type RecordedMessage,
  type Wire,
} from '../../fixtures/rosMessages.ts';
import { png, scenePixels, stampOf } from '../../fixtures/scenes.ts';
import { collect, framesOf } from '../../fixtures/sourceItems.ts';
import { temporaryFolder } from '../../fixtures/temporaryFolder.ts';

interface Container {
  name: string;
  file: string;
  wire: Wire;
  /** Whether the number of messages is known before reading them. */
  counted: boolean;
  write(path: string, messages: RecordedMessage[]): Promise<void> | void;
}

const SMALL_CHUNKS = 2000;
const lz4 = (bytes: Uint8Array) => ({ compression: 'lz4', compressedData: lz4Stored(bytes) });

const CONTAINERS: Container[] = [
  {
    name: 'MCAP',
    file: 'a.mcap',
    wire: 'cdr',
    counted: true,
    write: (path, messages) => writeMcap(path, messages, { chunkSize: SMALL_CHUNKS }),
  },
  {
    name: 'MCAP, big endian',
    file: 'a.mcap',
    wire: 'cdr-be',
    counted: true,
    write: (path, messages) => writeMcap(path, messages),
  },
  {
    name: 'MCAP, compressed chunks',
    file: 'a.mcap',
    wire: 'cdr',
    counted: true,
    write: (path, messages) => writeMcap(path, messages, { chunkSize: SMALL_CHUNKS, compressChunk: lz4 }),
  },
  {
    name: 'MCAP of ROS 1 messages',
    file: 'a.mcap',
    wire: 'ros1',
    counted: true,
    write: (path, messages) => writeMcap(path, messages, { messageEncoding: 'ros1' }),
  },
  {
    name: 'MCAP without chunks',
    file: 'a.mcap',
    wire: 'cdr',
    counted: false,
    write: (path, messages) => writeMcap(path, messages, { useChunks: false }),
  },
  {
    name: 'MCAP without message index',
    file: 'a.mcap',
    wire: 'cdr',
    counted: false,
    write: (path, messages) => writeMcap(path, messages, { useMessageIndex: false, chunkSize: SMALL_CHUNKS }),
  },
  {
    name: 'ROS 1 bag',
    file: 'a.bag',
    wire: 'ros1',
    counted: true,
    write: (path, messages) => writeRosbag1(path, messages),
  },
  {
    name: 'ROS 1 bag, compressed chunks',
    file: 'a.bag',
    wire: 'ros1',
    counted: true,
    write: (path, messages) => writeRosbag1(path, messages, { compress: { name: 'lz4', bytes: lz4Stored } }),
  },
  {
    name: 'ROS 1 bag without index',
    file: 'a.bag',
    wire: 'ros1',
    counted: false,
    write: (path, messages) =>
      writeRosbag1(path, messages, { withoutIndex: true, compress: { name: 'lz4', bytes: lz4Stored } }),
  },
  { name: 'SQLite', file: 'a.db3', wire: 'cdr', counted: true, write: writeDb3 },
  { name: 'a file with a misleading name', file: 'a.txt', wire: 'cdr', counted: true, write: writeDb3 },
];

describe('bags', () => {
  const path = temporaryFolder();

  for (const { name, file, wire, counted, write } of CONTAINERS) {
    describe(name, () => {
      it('yields every image as recorded, and its calibration', async () => {
        await write(path(file), recording({ wire }));
        const source = await openSource(path(file));
        const frames = framesOf(await collect(source.frames()));
        assert.deepEqual(
          frames,
          Array.from({ length: 10 }, (_, i) => ({
            stampNs: stampOf(i),
            width: 20,
            height: 16,
            encoding: 'mono8',
            step: 20,
            isBigEndian: false,
            data: scenePixels(i),
          })),
        );
        assert.deepEqual(
          source.calibration && [source.calibration.fx, source.calibration.cy, source.calibration.model],
          [14, 5.5, 'radtan'],
        );
        await source.close();
      });

      it('describes itself', async () => {
        await write(path(file), recording({ wire }));
        const { info, close } = await openSource(path(file)).then((source) => ({
          info: source.info,
          close: () => source.close(),
        }));
        assert.deepEqual([info.imageTopic, info.cameraInfoTopic], ['/cam0/image_raw', '/cam0/camera_info']);
        assert.deepEqual([info.width, info.height, info.encoding, info.firstStampNs], [20, 16, 'mono8', stampOf(0)]);
        assert.deepEqual([info.imageCount, info.lastStampNs], counted ? [10, stampOf(9)] : [undefined, undefined]);
        assert.deepEqual(info.topics.map((topic) => topic.topic).sort(), [
          '/cam0/camera_info',
          '/cam0/image_raw',
          '/imu0',
        ]);
        await close();
      });

      it('takes a range, twice from the same source, and can be left early', async () => {
        await write(path(file), recording({ wire }));
        const source = await openSource(path(file));
        for await (const _ of source.frames()) break;
        for (let pass = 0; pass < 2; pass++) {
          const frames = framesOf(await collect(source.frames({ startS: 0.1, endS: 0.4, stride: 3 })));
          assert.deepEqual(
            frames.map((frame) => frame.stampNs),
            [2, 5, 8].map(stampOf),
          );
        }
        await source.close();
      });
    });
  }

  it('decodes compressed images in order, and falls back to the time of recording where the header has none', async () => {
    const messages: RecordedMessage[] = [];
    for (let i = 0; i < 7; i++) {
      const data = compressedMessage(
        i === 3 ? 0n : stampOf(i),
        'mono8; png compressed mono8',
        await png(scenePixels(i)),
      );
      messages.push({
        topic: '/cam0/image_raw/compressed',
        type: 'sensor_msgs/CompressedImage',
        logTimeNs: stampOf(i) + RECORDING_DELAY_NS,
        data,
      });
    }
    messages.push({
      topic: '/cam0/camera_info',
      type: 'sensor_msgs/CameraInfo',
      logTimeNs: stampOf(9),
      data: cameraInfoMessage(stampOf(0)),
    });
    await writeMcap(path('a.mcap'), messages);
    const source = await openSource(path('a.mcap'));
    assert.equal(source.info.cameraInfoTopic, '/cam0/camera_info');
    const frames = framesOf(await collect(source.frames()));
    assert.deepEqual(
      frames.map((frame) => frame.stampNs),
      [0, 1, 2, 3, 4, 5, 6].map((i) => stampOf(i) + (i === 3 ? RECORDING_DELAY_NS : 0n)),
    );
    assert.deepEqual(
      frames.map((frame) => frame.data),
      [0, 1, 2, 3, 4, 5, 6].map((i) => scenePixels(i)),
    );
    await source.close();
  });

  it('passes padding, byte order and stamps that repeat or go back on as recorded', async () => {
    const stamps = [5, 5, 3, 9].map(stampOf);
    const messages = stamps.map((stampNs, i) => ({
      topic: '/image',
      type: 'sensor_msgs/Image',
      logTimeNs: stampOf(i),
      data: imageMessage({
        stampNs,
        width: 2,
        height: 2,
        encoding: '16UC1',
        isBigEndian: true,
        step: 7,
        data: scenePixels(i, 14, 1),
      }),
    }));
    await writeMcap(path('a.mcap'), messages);
    const source = await openSource(path('a.mcap'));
    const frames = framesOf(await collect(source.frames()));
    assert.deepEqual(
      frames.map((frame) => frame.stampNs),
      stamps,
    );
    assert.deepEqual([frames[0]!.encoding, frames[0]!.isBigEndian, frames[0]!.step], ['mono16', true, 7]);
    assert.equal(source.calibration, undefined);
    await source.close();
  });

  it('takes the projection matrix for rectified images, and no calibration from an uncalibrated camera', async () => {
    const image = { stampNs: stampOf(0), width: 20, height: 16, encoding: 'mono8', data: scenePixels(0) };
    const open = async (topic: string, info = CAMERA_INFO) => {
      writeDb3(path(`${topic.length}.db3`), [
        { topic, type: 'sensor_msgs/Image', logTimeNs: 1n, data: imageMessage(image) },
        {
          topic: '/cam0/camera_info',
          type: 'sensor_msgs/CameraInfo',
          logTimeNs: 1n,
          data: cameraInfoMessage(0n, info),
        },
      ]);
      const source = await openSource(path(`${topic.length}.db3`));
      await source.close();
      return source.calibration;
    };
    const rectified = await open('/cam0/image_rect');
    assert.deepEqual([rectified?.fx, rectified?.model], [13, 'none']);
    assert.equal(await open('/cam0/image_raw', { ...CAMERA_INFO, k: new Array<number>(9).fill(0) }), undefined);
  });

  it('chooses a camera by topic', async () => {
    await writeMcap(path('a.mcap'), [...recording({ frames: 2 }), ...recording({ frames: 4, camera: '/cam1' })]);
    await assert.rejects(openSource(path('a.mcap')), { code: 'QPVO_TOPIC' });
    const source = await openSource(path('a.mcap'), { topic: '/cam1/image_raw' });
    assert.equal(source.info.imageCount, 4);
    assert.equal(source.info.cameraInfoTopic, '/cam1/camera_info');
    await source.close();
  });

  it('reads a database in write-ahead mode in a read-only folder, past the lock of a killed program', async () => {
    await mkdir(path('ro'));
    const file = path('ro', 'a.db3');
    writeDb3(file, recording());
    const bytes = await readFile(file);
    bytes.fill(2, 18, 20); // file format versions: write-ahead log
    await writeFile(file, bytes);
    await mkdir(`${file}.lock`);
    await chmod(path('ro'), 0o555);
    const source = await openSource(file);
    assert.equal(framesOf(await collect(source.frames())).length, 10);
    await source.close();
    assert.deepEqual((await readdir(path('ro'))).sort(), ['a.db3', 'a.db3.lock']);
    await chmod(path('ro'), 0o755);
  });
});

describe('rosbag2 folders', () => {
  const path = temporaryFolder();
  const metadata = (files: string[], more = ''): string =>
    `rosbag2_bagfile_information:\n  version: 5\n  relative_file_paths:\n${files.map((file) => `    - ${file}\n`).join('')}${more}`;
  const messages = recording({ frames: 12 });

  async function open(folder = path()): Promise<bigint[]> {
    const source = await openSource(folder);
    const frames = framesOf(await collect(source.frames()));
    assert.equal(source.info.imageCount, frames.length);
    await source.close();
    return frames.map((frame) => frame.stampNs);
  }
  const ALL = Array.from({ length: 12 }, (_, i) => stampOf(i));

  it('of several files, in the order of metadata.yaml', async () => {
    writeDb3(path('second.db3'), messages.slice(18));
    writeDb3(path('first.db3'), messages.slice(0, 18));
    await writeFile(path('metadata.yaml'), metadata(['first.db3', 'second.db3'], '  compression_mode: ""\n'));
    assert.deepEqual(await open(), ALL);
    assert.deepEqual(await open(path('metadata.yaml')), ALL);
  });

  it('of .mcap files, with paths that name the folder', async () => {
    await writeMcap(path('bag_0.mcap'), messages.slice(0, 6));
    await writeMcap(path('bag_1.mcap'), messages.slice(6));
    await writeFile(path('metadata.yaml'), metadata(['some_folder/bag_0.mcap', 'some_folder/bag_1.mcap']));
    assert.deepEqual(await open(), ALL);
  });

  it('without metadata.yaml: all files, bag_2 before bag_10', async () => {
    writeDb3(path('bag_10.db3'), messages.slice(18));
    writeDb3(path('bag_2.db3'), messages.slice(0, 18));
    assert.deepEqual(await open(), ALL);
  });

  for (const [mode, advice] of [
    ['FILE', /zstd -d/],
    ['MESSAGE', /ros2 bag convert/],
  ] as const) {
    it(`compressed by ${mode.toLowerCase()} is refused with advice`, async () => {
      writeDb3(path('a.db3'), messages);
      await writeFile(
        path('metadata.yaml'),
        metadata(['a.db3'], `  compression_format: zstd\n  compression_mode: ${mode}\n`),
      );
      await assert.rejects(openSource(path()), { code: 'QPVO_UNKNOWN_SOURCE', message: advice });
    });
  }
});
