// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { compose, inverse } from '../../src/odometry/se3.ts';
import { makeOps } from './makeOps.ts';
import { project, randomGeometry } from './randomGeometry.ts';

describe('flow magnitude', () => {
  for (const [name, sigma] of [
    ['small motion', 0.03],
    ['points near and behind the camera', 0.8],
  ] as const) {
    it(`equals brute force over the nine pixels of every patch, ${name}`, async () => {
      const ops = makeOps();
      const poses = await randomGeometry(ops, 5, 17, sigma);
      const { patchX, patchY, inverseDepth, patchStride } = ops.buffers;
      for (const [source, target, beta] of [
        [0, 1, 0.5],
        [1, 0, 0.5],
        [2, 4, 0],
        [4, 3, 1],
        [3, 3, 0.5],
      ] as const) {
        const G = compose(poses[target]!, inverse(poses[source]!));
        let [mean, parallax] = [0, 0];
        for (let k = 0; k < 20; k++) {
          const at = source * patchStride + k;
          const d = inverseDepth[at]!;
          for (let p = 0; p < 9; p++) {
            const [x, y] = [patchX[at]! + (p % 3) - 1, patchY[at]! + Math.floor(p / 3) - 1];
            const full = project(G, x, y, d);
            const turned = project({ t: [0, 0, 0], q: G.q }, x, y, d);
            const shifted = project({ t: G.t, q: [0, 0, 0, 1] }, x, y, d);
            const length = (a: [number, number], b: readonly [number, number]) => Math.hypot(a[0] - b[0], a[1] - b[1]);
            mean += (beta * length(full, [x, y]) + (1 - beta) * length(shifted, [x, y])) / 180;
            parallax += length(full, turned) / 180;
          }
        }
        const got = ops.flowMagnitude(source, target, beta);
        // Single precision of coordinates up to 1e3 px.
        assert.ok(Math.abs(got.mean - mean) < 1e-5 + 1e-5 * mean, `${got.mean} instead of ${mean}`);
        assert.ok(Math.abs(got.parallax - parallax) < 1e-5 + 1e-5 * parallax, `${got.parallax} instead of ${parallax}`);
      }
    });
  }

  it('of a turn alone has no parallax, of a frame with itself is nothing at all', async () => {
    const ops = makeOps();
    await randomGeometry(ops, 2, 3, 0);
    ops.buffers.poses.set([0, 0, 0, 0, Math.sin(0.1), 0, Math.cos(0.1)], 7);
    const turn = ops.flowMagnitude(0, 1, 0.5);
    assert.ok(turn.mean > 2 && turn.parallax < 1e-4, JSON.stringify(turn));
    assert.ok(ops.flowMagnitude(1, 1, 0.5).mean < 1e-4);
  });
});
