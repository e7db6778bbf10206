// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { floorOf } from '../../bench/ceilings.ts';
import {
  bundleAdjustCost,
  contextEncoderCost,
  correlationCost,
  type FrameWork,
  featureEncoderCost,
  updateCost,
} from '../../bench/stageCosts.ts';

/** The published network on a EuRoC image, windows of the default configuration. */
const PUBLISHED: FrameWork = {
  sizes: { inputChannels: 3, width: 32, featureDim: 128, hiddenDim: 384, patchSize: 3, radius: 3, levels: [1, 4] },
  width: 752,
  height: 480,
  recordedWidth: 752,
  recordedHeight: 480,
  supersamples: 1,
  patches: 96,
  pairs: 497,
  sources: 23,
  targets: 33,
  freePoses: 10,
  bundleAdjustIterations: 2,
};
const EDGES = 497 * 96;

const near = (measured: number, expected: number, relative: number): void =>
  assert.ok(Math.abs(measured / expected - 1) < relative, `${measured} is not ${expected}`);

describe('costs of the stages', () => {
  it('of the encoders are those counted by hand from the published network', () => {
    near(featureEncoderCost(PUBLISHED).mac, 6893e6, 1e-3);
    const everywhere = { ...PUBLISHED, patches: 120 * 188 };
    near(contextEncoderCost(everywhere).mac, 7263e6, 1e-3);
    assert.ok(contextEncoderCost(PUBLISHED).mac < contextEncoderCost(everywhere).mac);
  });

  it('of correlation and update are 147,456 and 2,699,520 per edge', () => {
    assert.equal(correlationCost(PUBLISHED).mac, 147_456 * EDGES);
    const groups = 23 * 96 + 497;
    assert.equal(updateCost(PUBLISHED).mac, 2_699_520 * EDGES + 147_456 * groups);
  });

  it('of correlation and update of the small network are 73.7 k and 375.5 k per edge', () => {
    const sizes: FrameWork['sizes'] = {
      ...PUBLISHED.sizes,
      inputChannels: 1,
      width: 16,
      featureDim: 64,
      hiddenDim: 128,
    };
    const small: FrameWork = { ...PUBLISHED, sizes, patches: 48, pairs: 302, sources: 17 };
    near(correlationCost(small).mac / (302 * 48), 73_728, 1e-9);
    near((updateCost(small).mac - 128 ** 2 * (17 * 48 + 302)) / (302 * 48), 375_552, 1e-9);
  });

  it('of bundle adjustment are about 350 per edge, the Schur product and the factorisation', () => {
    const perIteration = 350 * EDGES + 60 ** 2 * 2208 + 60 ** 3 / 3;
    assert.equal(bundleAdjustCost(PUBLISHED).mac, 2 * perIteration);
  });

  it('count at least the correlation vectors that are written', () => {
    assert.ok(correlationCost(PUBLISHED).bytes > 4 * 882 * EDGES);
    assert.ok(updateCost(PUBLISHED).bytes > 4 * (882 + 2 * 384) * EDGES);
  });
});

describe('floor of a stage', () => {
  const ceilings = { threads: 2, gflops: 100, gbPerS: 10 };

  it('is the slower of arithmetic and memory', () => {
    assert.deepEqual(floorOf({ mac: 1e9, bytes: 1e6 }, ceilings), { ms: 20, by: 'arithmetic' });
    assert.deepEqual(floorOf({ mac: 1e6, bytes: 1e9 }, ceilings), { ms: 100, by: 'memory' });
  });
});
