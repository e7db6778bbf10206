// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { openSource } from '../../../src/sources/openSource.ts';
import { writeDb3 } from '../../fixtures/db3File.ts';
import { writeMcap } from '../../fixtures/mcapFile.ts';
import { writeRosbag1 } from '../../fixtures/rosbag1File.ts';
import { imageMessage, type RecordedMessage } from '../../fixtures/rosMessages.ts';
import { scenePixels, stampOf } from '../../fixtures/scenes.ts';
import { temporaryFolder } from '../../fixtures/temporaryFolder.ts';

const MESSAGES = 3000;
const MB = 1e6;
/** The file has 90 MB: a reader that kept it, or leaked the third of each image, would be above this. */
const ALLOWED_MB = 30;

setFlagsFromString('--expose-gc');
/** What is left after it is held by somebody; when it happens by itself depends on the load of the machine. */
const collect = runInNewContext('gc') as () => void;

function messages(wire: 'cdr' | 'ros1'): RecordedMessage[] {
  const data = scenePixels(0, 200, 150);
  return Array.from({ length: MESSAGES }, (_, i) => ({
    topic: '/image',
    type: 'sensor_msgs/Image',
    logTimeNs: stampOf(i),
    data: imageMessage({ stampNs: stampOf(i), width: 200, height: 150, encoding: 'mono8', data }, wire),
  }));
}

describe('memory while streaming', () => {
  const path = temporaryFolder();
  const containers: [string, (file: string) => Promise<void> | void][] = [
    ['MCAP', (file) => writeMcap(file, messages('cdr'))],
    ['MCAP without chunks', (file) => writeMcap(file, messages('cdr'), { useChunks: false })],
    ['ROS 1 bag', (file) => writeRosbag1(file, messages('ros1'), { messagesPerChunk: 30 })],
    [
      'ROS 1 bag without index',
      (file) => writeRosbag1(file, messages('ros1'), { messagesPerChunk: 30, withoutIndex: true }),
    ],
    ['SQLite', (file) => writeDb3(file, messages('cdr'))],
  ];

  for (const [name, write] of containers) {
    it(`${name}: does not grow over ${MESSAGES} images`, async function () {
      this.timeout(60000);
      await write(path('a'));
      const source = await openSource(path('a'));
      let images = 0;
      let first: NodeJS.MemoryUsage | undefined;
      const growth = { rss: 0, arrayBuffers: 0, heapUsed: 0 };
      for await (const item of source.frames()) {
        if (!('fault' in item)) images++;
        if (images % 100 !== 0) continue;
        collect();
        const now = process.memoryUsage();
        first ??= now;
        for (const key of ['rss', 'arrayBuffers', 'heapUsed'] as const)
          growth[key] = Math.max(growth[key], (now[key] - first[key]) / MB);
      }
      await source.close();
      assert.equal(images, MESSAGES);
      for (const [key, grown] of Object.entries(growth))
        assert.ok(grown < ALLOWED_MB, `${key} grew by ${grown.toFixed(0)} MB`);
    });
  }
});
