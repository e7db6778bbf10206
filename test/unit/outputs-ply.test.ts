// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { MapPoint } from '../../src/odometry/types.ts';
import { PlyOutput } from '../../src/outputs/PlyOutput.ts';
import { readPly } from './outputs-readBack.ts';
import { syntheticRun } from './outputs-syntheticRun.ts';

describe('PlyOutput', () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'qpvo-ply-'));
  });
  after(() => rm(folder, { recursive: true }));

  it('is valid at any time and holds every point', async () => {
    const run = syntheticRun(400);
    const output = await PlyOutput.create(join(folder, 'a.ply'), run.context);
    assert.equal(readPly(await readFile(output.path)).length, 0);
    const expected: MapPoint[] = [];
    for (const result of run.results) {
      await output.write(result);
      expected.push(...result.finalPoints);
      if (result.sequence % 50 === 0) assert.equal(readPly(await readFile(output.path)).length, expected.length);
    }
    await output.finish(run.end);
    expected.push(...run.end.finalPoints);
    const points = readPly(await readFile(output.path));
    assert.deepEqual(
      points,
      expected.map((point) => ({
        ...point,
        x: Math.fround(point.x),
        y: Math.fround(point.y),
        z: Math.fround(point.z),
      })),
    );
    assert.deepEqual([...new Set(points.map((point) => point.segment))], [0, 1]);
  });

  it('leaves out points that are not finite', async () => {
    const run = syntheticRun(1);
    const output = await PlyOutput.create(join(folder, 'b.ply'), run.context);
    const good = run.end.finalPoints[0]!;
    await output.finish({
      finalPoses: [],
      finalPoints: [{ ...good, z: Number.NaN }, good, { ...good, x: Number.POSITIVE_INFINITY }],
    });
    assert.equal(readPly(await readFile(output.path)).length, 1);
  });
});
