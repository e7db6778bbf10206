// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import type { Precision, Runtime } from '../../../src/config/Profile.ts';
import { distanceOf, type SmallRun, smallOdometry, smallRun } from '../../fixtures/smallOdometry.ts';

const IMAGES = 14;

/** The whole odometry with quantized networks on the CPU: near the same in floating point, and the same with either runtime. */
describe('odometry in int8', function () {
  this.timeout(60000);
  const runs = {} as Record<'fp32' | 'native' | 'onnxruntime', SmallRun>;

  before(async () => {
    runs.fp32 = await run('fp32', 'native');
    runs.native = await run('int8', 'native');
    runs.onnxruntime = await run('int8', 'onnxruntime');
  });

  async function run(precision: Precision, runtime: Runtime): Promise<SmallRun> {
    const odometry = await smallOdometry('cpu', precision, {}, runtime);
    try {
      return await smallRun(odometry, IMAGES);
    } finally {
      await odometry.close();
    }
  }

  const states = ({ results }: SmallRun) => results.map(({ state }) => state);

  for (const runtime of ['native', 'onnxruntime'] as const) {
    it(`${runtime} tracks as in fp32, and its way is another by little`, () => {
      console.log(distanceOf(runs[runtime].results, runs.fp32.results), states(runs[runtime]));
      assert.deepEqual(states(runs[runtime]), states(runs.fp32));
      assert.ok(distanceOf(runs[runtime].results, runs.fp32.results) < 0.05);
    });
  }

  it('the two runtimes agree', () => {
    console.log(distanceOf(runs.onnxruntime.results, runs.native.results));
    assert.ok(distanceOf(runs.onnxruntime.results, runs.native.results) < 0.05);
  });
});
