// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { chmod, mkdir, readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sqlite from 'node-sqlite3-wasm';
import { openSource } from '../../../src/sources/openSource.ts';
import { writeAslCamera, writeAslGroundTruth } from '../../fixtures/aslFiles.ts';
import { writeDb3 } from '../../fixtures/db3File.ts';
import { writeMcap } from '../../fixtures/mcapFile.ts';
import { recording } from '../../fixtures/recording.ts';
import { writeRosbag1 } from '../../fixtures/rosbag1File.ts';
import { CAMERA_INFO } from '../../fixtures/rosMessages.ts';
import { png, scenePixels, stampOf } from '../../fixtures/scenes.ts';
import { collect, faultsOf, framesOf } from '../../fixtures/sourceItems.ts';
import { temporaryFolder } from '../../fixtures/temporaryFolder.ts';

/** Root may read everything, so the tests run as nobody for a moment. */
async function asNobody(work: () => Promise<void>): Promise<void> {
  const isRoot = process.geteuid?.() === 0;
  if (isRoot) process.seteuid!(65534);
  try {
    await work();
  } finally {
    if (isRoot) process.seteuid!(0);
  }
}

describe('paths that cannot be opened', () => {
  const path = temporaryFolder();

  it('missing', () =>
    assert.rejects(openSource(path('gone')), {
      code: 'QPVO_NOT_FOUND',
      message: /cannot read .*gone.*no such file or folder/,
    }));

  it('below a file', async () => {
    await writeFile(path('file'), 'x');
    await assert.rejects(openSource(path('file', 'below')), { code: 'QPVO_NOT_FOUND' });
  });

  it('without permission to read', async () => {
    await chmod(path(), 0o755);
    await writeMcap(path('a.mcap'), recording());
    await chmod(path('a.mcap'), 0);
    await mkdir(path('folder'), { mode: 0 });
    await asNobody(async () => {
      await assert.rejects(openSource(path('a.mcap')), {
        code: 'QPVO_NOT_FOUND',
        message: /permission denied.*Check the permissions/,
      });
      await assert.rejects(openSource(path('folder')), { code: 'QPVO_NOT_FOUND', message: /Check the permissions/ });
    });
  });
});

describe('unknown containers', () => {
  const path = temporaryFolder();
  const files: [string, string | Buffer, RegExp][] = [
    ['a.mp4', Buffer.from('0000001c667479706d703432', 'hex'), /a \.mp4 file that begins with 00 00 00 1c 66 74/],
    ['empty.mcap', '', /an empty file/],
    ['a.db3.zstd', Buffer.from('28b52ffd00000000', 'hex'), /zstd -d/],
    ['old.bag', '#ROSBAG V1.2\n', /rosbag fix/],
    ['a.png', Buffer.from('89504e470d0a1a0a', 'hex'), /a \.png file/],
  ];
  for (const [name, bytes, message] of files) {
    it(`${name}: says what was looked at and what is known`, async () => {
      await writeFile(path(name), bytes);
      await assert.rejects(openSource(path(name)), { code: 'QPVO_UNKNOWN_SOURCE', message });
      await assert.rejects(openSource(path(name)), { message: /EuRoC.*\.mcap.*\.db3.*\.bag/ });
    });
  }

  it('an empty folder', () =>
    assert.rejects(openSource(path()), { code: 'QPVO_UNKNOWN_SOURCE', message: /an empty folder/ }));

  it('a folder of other things, with advice where a bag is among them', async () => {
    await writeFile(path('notes.txt'), 'x');
    await assert.rejects(openSource(path()), { code: 'QPVO_UNKNOWN_SOURCE', message: /a folder with notes\.txt/ });
    await writeRosbag1(path('flight.bag'), recording({ wire: 'ros1' }));
    await assert.rejects(openSource(path()), {
      code: 'QPVO_UNKNOWN_SOURCE',
      message: /Give the bag itself, such as .*flight\.bag/,
    });
  });

  it('a folder whose metadata.yaml is about something else, or no YAML', async () => {
    for (const text of ['name: x\n', '{', '']) {
      await writeFile(path('metadata.yaml'), text);
      await assert.rejects(openSource(path()), { code: 'QPVO_SOURCE_CORRUPT', message: /rosbag2_bagfile_information/ });
    }
  });

  it('a database that is no bag', async () => {
    const database = new sqlite.Database(path('a.db3'));
    database.exec('CREATE TABLE songs(name TEXT)');
    database.close();
    await assert.rejects(openSource(path('a.db3')), {
      code: 'QPVO_SOURCE_CORRUPT',
      message: /tables topics and messages.*no such table/,
    });
  });
});

describe('recordings without images', () => {
  const path = temporaryFolder();
  const withoutImages = (wire: 'cdr' | 'ros1') =>
    recording({ wire }).filter((message) => !message.type.endsWith('/Image'));

  it('bags: the topics there are, with types', async () => {
    await writeMcap(path('a.mcap'), withoutImages('cdr'));
    await writeRosbag1(path('a.bag'), withoutImages('ros1'));
    writeDb3(path('a.db3'), withoutImages('cdr'));
    await writeMcap(path('none.mcap'), []);
    for (const name of ['a.mcap', 'a.bag', 'a.db3']) {
      await assert.rejects(openSource(path(name)), {
        code: 'QPVO_TOPIC',
        message: /no image topic.*\/imu0 \(sensor_msgs/,
      });
    }
    await assert.rejects(openSource(path('none.mcap')), { code: 'QPVO_TOPIC', message: /no topic at all/ });
  });

  it('a wrong topic: the topics there are, with types', async () => {
    await writeRosbag1(path('a.bag'), recording({ wire: 'ros1' }));
    await assert.rejects(openSource(path('a.bag'), { topic: '/cam7' }), {
      code: 'QPVO_TOPIC',
      message: /\/cam7.*\/cam0\/image_raw \(sensor_msgs\/Image\)/,
    });
  });

  it('an image topic without messages', async () => {
    writeDb3(path('a.db3'), recording({ frames: 3 }));
    const database = new sqlite.Database(path('a.db3'));
    database.exec("DELETE FROM messages WHERE topic_id = (SELECT id FROM topics WHERE type LIKE '%/Image')");
    database.close();
    await assert.rejects(openSource(path('a.db3')), {
      code: 'QPVO_SOURCE_EMPTY',
      message: /\/cam0\/image_raw.*an empty topic/,
    });
  });

  it('an ASL camera without images, or with an empty list', async () => {
    await mkdir(path('mav0', 'cam0', 'data'), { recursive: true });
    await assert.rejects(openSource(path()), { code: 'QPVO_SOURCE_EMPTY', message: /no images in .*cam0/ });
    await writeFile(path('mav0', 'cam0', 'data.csv'), '#timestamp [ns],filename\n');
    await assert.rejects(openSource(path()), { code: 'QPVO_SOURCE_EMPTY' });
  });

  it('mav0 without a camera', async () => {
    await mkdir(path('mav0', 'imu0'), { recursive: true });
    await assert.rejects(openSource(path()), { code: 'QPVO_SOURCE_EMPTY', message: /no camera cam0 in .*imu0/ });
  });
});

describe('damaged folders', () => {
  const path = temporaryFolder();

  it('a PNG cut in the middle, or missing: a fault with its path, then the stream goes on', async () => {
    const camera = await writeAslCamera(path(), 5);
    await writeFile(join(camera, 'data', `${stampOf(1)}.png`), await png(scenePixels(1, 64, 48), 64, 48));
    await truncate(join(camera, 'data', `${stampOf(1)}.png`), 400);
    await truncate(join(camera, 'data', `${stampOf(3)}.png`), 0);
    const items = await collect((await openSource(path())).frames());
    assert.deepEqual(
      items.map((item) => item.stampNs),
      [0, 1, 2, 3, 4].map(stampOf),
    );
    assert.deepEqual(
      items.map((item) => 'fault' in item),
      [false, true, false, true, false],
    );
    assert.match(faultsOf(items)[0]!.fault, new RegExp(`${stampOf(1)}\\.png.*cannot be decoded`));
  });

  it('a line of data.csv that was cut: a fault with its number', async () => {
    const camera = await writeAslCamera(path(), 3);
    const list = await readFile(join(camera, 'data.csv'), 'utf8');
    await writeFile(join(camera, 'data.csv'), `${list}14036385`);
    const items = await collect((await openSource(path())).frames());
    assert.equal(framesOf(items).length, 3);
    assert.match(faultsOf(items)[0]!.fault, /line 5 of data\.csv/);
  });

  it('a ground truth that was cut: an error with file and line', async () => {
    await writeAslCamera(path());
    await writeAslGroundTruth(path());
    const file = path('mav0', 'state_groundtruth_estimate0', 'data.csv');
    await writeFile(file, `${await readFile(file, 'utf8')}1403638538877829376,1,2`);
    await assert.rejects(openSource(path()), { name: 'QpvoError', message: /state_groundtruth_estimate0.*line 8/ });
  });

  const times: [string, RegExp][] = [
    ['0\n0.1\n', /2 lines for 3 images/],
    ['a 0\nb 0.1\nx 2\n', /no line for c\.png/],
    ['0\nsoon\n1\n', /"soon" where a time should be/],
  ];
  for (const [text, message] of times) {
    it(`times.txt that does not fit: ${message.source}`, async () => {
      for (const name of ['a', 'b', 'c']) await writeFile(path(`${name}.png`), await png(scenePixels(0)));
      await writeFile(path('times.txt'), text);
      await assert.rejects(openSource(path()), { code: 'QPVO_SOURCE_CORRUPT', message });
    });
  }

  it('a rate of camera.yaml that is none', async () => {
    await writeFile(path('0.png'), await png(scenePixels(0)));
    await writeFile(path('camera.yaml'), 'rate: fast\n');
    await assert.rejects(openSource(path()), { code: 'QPVO_CALIBRATION', message: /images per second.*"fast"/ });
  });
});

describe('a calibration that cannot be used', () => {
  const path = temporaryFolder();
  const absurd = { ...CAMERA_INFO, k: [Number.NaN, ...CAMERA_INFO.k.slice(1)] };

  it('is an error, and none when another one is used anyway', async () => {
    writeDb3(path('a.db3'), recording({ cameraInfo: absurd }));
    const camera = await writeAslCamera(path('asl'));
    await writeFile(join(camera, 'sensor.yaml'), 'camera_model: [');
    await mkdir(path('images'));
    await writeFile(path('images', '0.png'), await png(scenePixels(0)));
    await writeFile(path('images', 'camera.yaml'), 'intrinsics: 3\n');
    for (const name of ['a.db3', 'asl', 'images']) {
      await assert.rejects(openSource(path(name)), { code: 'QPVO_CALIBRATION' }, name);
      const source = await openSource(path(name), { skipCalibration: true });
      assert.equal(source.calibration, undefined);
      assert.ok(framesOf(await collect(source.frames())).length > 0);
      await source.close();
    }
  });
});
