// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { McapStreamReader } from '@mcap/core';
import type { MapPoint } from '../../src/odometry/types.ts';

/** Reads a binary little-endian PLY by its own header; fails when header and length disagree. */
export function readPly(bytes: Buffer): MapPoint[] {
  const header = bytes.subarray(0, bytes.indexOf('end_header\n') + 11);
  const lines = header.toString('ascii').split('\n');
  assert.deepEqual(lines.slice(0, 2), ['ply', 'format binary_little_endian 1.0']);
  const properties = lines.filter((line) => line.startsWith('property')).map((line) => line.split(' ').slice(1));
  const sizes: Record<string, number> = { float: 4, uchar: 1, ushort: 2 };
  const stride = properties.reduce((sum, [type]) => sum + sizes[type!]!, 0);
  const count = Number(/element vertex (\d+)/.exec(header.toString('ascii'))![1]);
  assert.equal(bytes.length, header.length + count * stride, 'header and length agree');
  const names: Record<string, keyof MapPoint> = {
    x: 'x',
    y: 'y',
    z: 'z',
    red: 'r',
    green: 'g',
    blue: 'b',
    segment: 'segment',
  };
  return Array.from({ length: count }, (_, i) => {
    let at = header.length + i * stride;
    const point: MapPoint = { x: 0, y: 0, z: 0, r: 0, g: 0, b: 0, segment: 0 };
    for (const [type, name] of properties) {
      const value =
        type === 'float' ? bytes.readFloatLE(at) : type === 'uchar' ? bytes.readUInt8(at) : bytes.readUInt16LE(at);
      point[names[name!]!] = value;
      at += sizes[type!]!;
    }
    return point;
  });
}

/** Messages by topic of a file that need not have an index. */
export async function countMessages(path: string): Promise<Map<string, number>> {
  const reader = new McapStreamReader({ validateCrcs: true });
  reader.append(await readFile(path));
  const topics = new Map<number, string>();
  const counts = new Map<string, number>();
  for (let record = reader.nextRecord(); record; record = reader.nextRecord()) {
    if (record.type === 'Channel') topics.set(record.id, record.topic);
    if (record.type !== 'Message') continue;
    const topic = topics.get(record.channelId)!;
    counts.set(topic, (counts.get(topic) ?? 0) + 1);
  }
  assert.ok(reader.done(), 'the file has an end');
  return counts;
}
