// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { makeOps, normal, random, WHOLE } from './makeOps.ts';

const M = 20;
const D = 8;
const BLOCK = M * D;

describe('frames in the ring', () => {
  it('the context of the patches goes to its slot, and nowhere else', async () => {
    const ops = makeOps();
    const { context, contextRing } = ops.buffers;
    const next = random(1);
    const stored: Float32Array[] = [];
    contextRing.fill(-9);
    for (const slot of [0, 5, 7]) {
      for (let i = 0; i < BLOCK; i++) context[i] = normal(next);
      await ops.samplePatches(slot, 1, slot, 'random', 1, WHOLE);
      await ops.insertFrame(slot);
      stored[slot] = context.slice();
    }
    for (let slot = 0; slot < 8; slot++) {
      assert.deepEqual(
        contextRing.slice(slot * BLOCK, (slot + 1) * BLOCK),
        stored[slot] ?? new Float32Array(BLOCK).fill(-9),
      );
    }
  });

  it('a slot that is used again holds the new frame, also next to the border', async () => {
    const fresh = makeOps();
    const used = makeOps();
    const insert = async (ops: typeof fresh, seed: number) => {
      const next = random(seed);
      for (let i = 0; i < ops.buffers.features.length; i++) ops.buffers.features[i] = normal(next);
      await ops.samplePatches(2, seed, 0, 'random', 0.5, WHOLE);
      await ops.insertFrame(2);
    };
    await insert(used, 3);
    await insert(used, 4);
    await insert(fresh, 4);
    for (const ops of [fresh, used]) {
      ops.buffers.pairSource[0] = 2;
      ops.buffers.pairTarget[0] = 2;
      await ops.correlate(1);
    }
    assert.ok(fresh.buffers.correlation.some((v) => v !== 0));
    assert.deepEqual(used.buffers.correlation, fresh.buffers.correlation);
  });

  it('a patch seen in its own frame matches itself: the middle of the window is the squared length of its feature', async () => {
    const ops = makeOps();
    const { features, cells, correlation } = ops.buffers;
    const next = random(5);
    for (let i = 0; i < features.length; i++) features[i] = normal(next);
    await ops.samplePatches(0, 5, 0, 'random', 0.5, WHOLE);
    await ops.insertFrame(0);
    await ops.correlate(1);
    cells.forEach((cell, k) => {
      let squared = 0;
      for (let c = 0; c < 16; c++) squared += features[c * 768 + cell]! ** 2;
      // Reprojection onto itself is exact to 1e-6 px.
      assert.ok(Math.abs(correlation[k * 882 + 4 * 49 + 24]! - squared) < 1e-3);
    });
  });
});
