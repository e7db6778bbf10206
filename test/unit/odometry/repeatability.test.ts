// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import type { OdometryParameters } from '../../../src/config/parameters.ts';
import { sidewaysImages, type TrackedRun, trackImages } from '../../fixtures/trackedScene.ts';

/** All that is final after some images, as text with every bit of the numbers. */
async function outcome(parameters: Partial<OdometryParameters>): Promise<string> {
  const { finalPoses, finalPoints } = await trackImages(sidewaysImages(13), { patchesPerFrame: 24, ...parameters });
  return JSON.stringify([finalPoses, finalPoints], (_, v) => (typeof v === 'bigint' ? String(v) : v));
}

describe('odometry repeated', function () {
  this.timeout(60_000);
  let first: string;

  before(async () => {
    first = await outcome({ seed: 3 });
  });

  it('gives the same bits with the same seed', async () => assert.equal(await outcome({ seed: 3 }), first));

  it('gives the same bits on one thread and on three', async () => {
    assert.equal(await outcome({ seed: 3, threads: 1 }), first);
    assert.equal(await outcome({ seed: 3, threads: 3 }), first);
  });

  it('gives others with another seed, or with patches chosen by gradient', async () => {
    assert.notEqual(await outcome({ seed: 4 }), first);
    assert.notEqual(await outcome({ seed: 3, patchSelection: 'random' }), first);
  });

  it('takes half of the patches by gradient until it is initialised when all of them are asked for', async () => {
    const selections = ['gradient', 'mixed', 'random'] as const;
    const [gradient, mixed, uniform] = await Promise.all(
      selections.map((patchSelection) => trackImages(sidewaysImages(9), { patchSelection })),
    );
    const poses = (run: TrackedRun | undefined) => run!.results.map(({ T_world_camera }) => T_world_camera);
    assert.notEqual(poses(gradient)[7], undefined);
    assert.deepEqual(poses(gradient).slice(0, 8), poses(mixed).slice(0, 8));
    assert.notDeepEqual(poses(gradient)[8], poses(mixed)[8]);
    assert.notDeepEqual(poses(uniform)[7], poses(mixed)[7]);
  });
});
