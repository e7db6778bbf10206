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
    it(`${runtime} tracks as in fp32, and its way differs by little, though it differs`, () => {
      assert.deepEqual(states(runs[runtime]), states(runs.fp32));
      // Measured: 7.5e-3 of the way with either.
      const distance = distanceOf(runs[runtime].results, runs.fp32.results);
      assert.ok(distance < 0.025 && distance > 1e-4, `${distance} of the way`);
    });

    it(`${runtime} sees the camera move along its x axis`, () => {
      const [x, y, z] = runs[runtime].results.at(-1)!.T_world_camera!.t;
      assert.ok(x > 0 && Math.hypot(y, z) < 0.1 * x, `${[x, y, z]}`);
    });
  }

  it('the two runtimes agree', () => {
    // Measured: 1.6e-3. Biases are rounded in one of them, the other correlates in int8.
    const distance = distanceOf(runs.onnxruntime.results, runs.native.results);
    assert.ok(distance < 4e-3, `${distance} of the way`);
  });
});
