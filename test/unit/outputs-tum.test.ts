// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readTrajectory } from '../../src/evaluation/readTrajectory.ts';
import type { FinalPose } from '../../src/odometry/types.ts';
import { TumOutput } from '../../src/outputs/TumOutput.ts';
import { finalPosesOf, syntheticRun } from './outputs-syntheticRun.ts';

describe('TumOutput', () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'qpvo-tum-'));
  });
  after(() => rm(folder, { recursive: true }));

  async function write(name: string): Promise<string> {
    const run = syntheticRun();
    const output = await TumOutput.create(join(folder, name), run.context);
    for (const result of run.results) await output.write(result);
    await output.finish(run.end);
    return output.path;
  }

  it('is read back with every stamp exact, every pose and every segment', async () => {
    const { poses } = await readTrajectory(await write('a.tum'));
    const expected = finalPosesOf(syntheticRun());
    assert.equal(poses.length, expected.length);
    poses.forEach((pose, i) => {
      const { stampNs, segment, t, q } = expected[i]!;
      assert.deepEqual([pose.stampNs, pose.segment], [stampNs, segment]);
      [...t, ...q].forEach((value, k) => {
        assert.ok(Math.abs([...pose.t, ...pose.q][k]! - value) < 2e-9, `pose ${i}, number ${k}`);
      });
    });
  });

  it('says the segment before each, once', async () => {
    const lines = (await readFile(await write('b.tum'), 'utf8')).split('\n');
    assert.deepEqual(
      lines.filter((line) => line.startsWith('# segment')),
      ['# segment 0', '# segment 1'],
    );
    assert.match(lines[2]!, /^1403638538\.400000007( -?\d+\.\d{9}){7}$/);
    assert.equal(lines.at(-1), '', 'ends with a whole line');
  });

  it('gives the same bytes for the same run, and no negative zero', async () => {
    const [a, b] = await Promise.all([readFile(await write('c.tum')), readFile(await write('d.tum'))]);
    assert.ok(a.equals(b));
    const run = syntheticRun(1);
    const output = await TumOutput.create(join(folder, 'e.tum'), run.context);
    const pose: FinalPose = {
      stampNs: 5n,
      sequence: 0,
      T_world_camera: { t: [-1e-12, 0, -0], q: [0, 0, 0, 1] },
      segment: 0,
      isKeyframe: true,
    };
    await output.finish({ finalPoses: [pose], finalPoints: [] });
    assert.match(await readFile(output.path, 'utf8'), /\n0\.000000005( 0\.000000000){6} 1\.000000000\n$/);
  });

  it('has all whole lines while the run goes on', async () => {
    const run = syntheticRun(60);
    const output = await TumOutput.create(join(folder, 'f.tum'), run.context);
    for (const result of run.results) await output.write(result);
    const text = await readFile(output.path, 'utf8');
    assert.ok(text.endsWith('\n'));
    assert.equal(
      text.split('\n').filter((line) => /^\d/.test(line)).length,
      run.results.flatMap((result) => result.finalPoses).length,
    );
    await output.finish(run.end);
  });

  it('never writes a pose that is not a number', async () => {
    const run = syntheticRun(30);
    const output = await TumOutput.create(join(folder, 'g.tum'), run.context);
    const bad: FinalPose = { ...run.end.finalPoses[0]!, T_world_camera: { t: [Number.NaN, 0, 0], q: [0, 0, 0, 1] } };
    await assert.rejects(output.finish({ finalPoses: [bad], finalPoints: [] }), {
      code: 'QPVO_INTERNAL',
      message: /not a number/,
    });
    assert.ok(!(await readFile(output.path, 'utf8')).includes('NaN'));
  });
});
