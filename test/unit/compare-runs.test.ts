// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ComparedRun } from '../../src/compare/Comparison.ts';
import { filesRead } from '../../src/compare/filesRead.ts';
import { makeRuns, type RunsRequest } from '../../src/compare/makeRuns.ts';
import { planRuns, runName } from '../../src/compare/planRuns.ts';
import { readProfile } from '../../src/config/readProfile.ts';
import { temporaryFolder } from '../fixtures/temporaryFolder.ts';
import { contender, planOf, SUMMARY, sequence } from './compare-syntheticRuns.ts';

describe('order of the runs of a comparison', () => {
  it('is seed by seed, with the profiles in turns from the first and from the last', () => {
    const plan = planOf({ sequences: [sequence('x'), sequence('y')], seeds: 2 });
    assert.deepEqual(planRuns(plan).map(runName), [
      'x/first/seed0',
      'x/second/seed0',
      'y/first/seed0',
      'y/second/seed0',
      'x/second/seed1',
      'x/first/seed1',
      'y/second/seed1',
      'y/first/seed1',
    ]);
  });
});

describe('runs of a comparison', () => {
  const folder = temporaryFolder();

  async function runAll(request: Partial<RunsRequest>): Promise<{ made: ComparedRun[]; args: (readonly string[])[] }> {
    const made: ComparedRun[] = [];
    const args: (readonly string[])[] = [];
    await makeRuns({
      plan: planOf({ seeds: 2 }),
      folder: folder('runs'),
      options: ['--end', '2'],
      signal: new AbortController().signal,
      onRun: async (run) => void made.push(run),
      start: async (child) => {
        args.push(child.args);
        return SUMMARY;
      },
      ...request,
    });
    return { made, args };
  }

  it('get the same options, each its profile and its seed', async () => {
    const { made, args } = await runAll({});
    assert.equal(made.length, 4);
    const common = ['--end', '2'];
    assert.deepEqual(args[0], ['/recordings/arc', '--profile', 'first.yaml', ...common, '--seed', '0', '--no-report']);
    assert.deepEqual(args[2], ['/recordings/arc', '--profile', 'second.yaml', ...common, '--seed', '1', '--no-report']);
  });

  it('leave the trajectory and the summary behind, not the large files', async () => {
    const { made } = await runAll({
      plan: planOf({ seeds: 1 }),
      folder: folder('large'),
      start: async (child) => {
        for (const name of ['trajectory.tum', 'odometry.mcap', 'map.ply'])
          await writeFile(join(child.folder, name), '');
        return SUMMARY;
      },
    });
    assert.ok(made.every((run) => existsSync(join(run.folder, 'trajectory.tum'))));
    assert.ok(
      made.every((run) => !existsSync(join(run.folder, 'odometry.mcap')) && !existsSync(join(run.folder, 'map.ply'))),
    );
  });

  it('that fail, or do not reach their end, are results, and do not stop the others', async () => {
    let count = 0;
    const { made } = await runAll({
      start: async () => {
        if (++count === 1) throw new Error('no memory');
        return { ...SUMMARY, incomplete: count === 2 };
      },
    });
    assert.deepEqual(
      made.map(({ failure }) => failure),
      ['no memory', 'the run was ended before the end of the recording', undefined, undefined],
    );
    assert.deepEqual(
      made.map(({ summary }) => summary !== undefined),
      [false, false, true, true],
    );
  });

  it('end at the abort: those made are kept, the one under way is no result', async () => {
    const controller = new AbortController();
    let count = 0;
    const { made } = await runAll({
      folder: folder('aborted'),
      signal: controller.signal,
      start: async () => {
        if (++count === 2) {
          controller.abort();
          throw new Error('killed');
        }
        return SUMMARY;
      },
    });
    assert.deepEqual([made.length, count], [1, 2]);
    assert.ok(!existsSync(folder('aborted/arc/second/seed0')));
  });

  it('are made so many at a time as asked for', async () => {
    let now = 0;
    let most = 0;
    await runAll({
      plan: planOf({ jobs: 3 }),
      start: async () => {
        most = Math.max(most, ++now);
        await new Promise((resolve) => setTimeout(resolve, 5));
        now--;
        return SUMMARY;
      },
    });
    assert.equal(most, 3);
  });
});

describe('files that a profile reads', () => {
  const { manifest } = contender('any');
  const weightsInt8 = { name: 'weights_int8.safetensors', bytes: 3, sha256: '' };
  const withInt8 = { files: { ...manifest.files, weightsInt8 } };
  const names = (profile: Parameters<typeof filesRead>[0]): string[] =>
    filesRead(profile, withInt8).map(({ name }) => name);

  it('are those of both networks, each once', () => {
    assert.deepEqual(names(readProfile('reference_fp32')), ['features.onnx', 'context.onnx', 'update.onnx']);
    const native = { encoder: 'native', update: 'native' } as const;
    const int8 = { encoder: 'int8', update: 'int8' } as const;
    assert.deepEqual(names({ runtime: native, precision: int8 }), ['weights_int8.safetensors']);
    const mixed = { runtime: native, precision: { encoder: 'fp32', update: 'int8' } } as const;
    assert.deepEqual(names(mixed), ['weights.safetensors', 'weights_int8.safetensors']);
  });
});
