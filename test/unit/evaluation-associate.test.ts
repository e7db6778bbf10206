// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { associate } from '../../src/evaluation/associate.ts';
import { ReferenceTrack } from '../../src/evaluation/ReferenceTrack.ts';
import type { StampedPose } from '../../src/odometry/Pose.ts';
import { exp } from '../../src/odometry/se3.ts';

const MS = 1_000_000n;

function at(ms: number, x = ms): StampedPose {
  return { stampNs: 1_403_638_538_000_000_000n + BigInt(ms) * MS, t: [x, 0, 0], q: [0, 0, 0, 1] };
}

function matches(pairs: ReturnType<typeof associate>): [number, number][] {
  return pairs.map((pair) => [pair.estimate.t[0], pair.reference.t[0]]);
}

describe('associate', () => {
  it('interpolates the reference at the stamp of the estimate', () => {
    const quarterTurn = exp([0, 0, 0, 0, 0, Math.PI / 2]).q;
    const reference: StampedPose[] = [at(0), { ...at(100), q: quarterTurn }];
    const [pair] = associate([at(25, 7)], reference);
    assert.ok(Math.abs(pair!.reference.t[0] - 25) < 1e-9);
    assert.ok(Math.abs(pair!.reference.q[2] - Math.sin(Math.PI / 16)) < 1e-12, 'a quarter of a quarter turn');
    assert.equal(pair!.estimate.t[0], 7);
  });

  it('leaves out poses before, after and in gaps of the reference', () => {
    const reference = [at(100), at(150), at(1000), at(1050)];
    const estimate = [at(50), at(100), at(120), at(500), at(1000), at(1020), at(1100)];
    assert.deepEqual(matches(associate(estimate, reference)), [
      [100, 100],
      [120, 120],
      [1000, 1000],
      [1020, 1020],
    ]);
    assert.equal(associate(estimate, reference, { maxGapS: 1 }).length, 5);
  });

  it('takes a stamp a rounding error outside of the reference', () => {
    const late = { ...at(150, 151), stampNs: at(150).stampNs + 200n };
    assert.deepEqual(matches(associate([late], [at(100), at(150)])), [[151, 150]]);
  });

  it('sorts both, and takes repeated reference stamps once', () => {
    const reference = [at(100), at(0), at(100, 999), at(50)];
    assert.deepEqual(matches(associate([at(75), at(25)], reference)), [
      [25, 25],
      [75, 75],
    ]);
    assert.equal(new ReferenceTrack(reference).poses.length, 3);
  });

  it('leaves reference poses out that are not finite', () => {
    assert.deepEqual(matches(associate([at(50)], [at(0), at(50, Number.NaN), at(100)])), [[50, 50]]);
  });

  it('nearest: uses each reference once, for the estimate that is nearest', () => {
    const reference = [at(0), at(100)];
    const estimate = [at(-15), at(4), at(95), at(103), at(200)];
    assert.deepEqual(matches(associate(estimate, reference, { method: 'nearest' })), [
      [4, 0],
      [103, 100],
    ]);
    assert.deepEqual(matches(associate([at(85)], reference, { method: 'nearest', maxDifferenceS: 0.01 })), []);
  });

  it('keeps segments, 0 when there are none', () => {
    const pairs = associate([at(0), { ...at(50), segment: 3 }], [at(0), at(50)]);
    assert.deepEqual(
      pairs.map((pair) => pair.segment),
      [0, 3],
    );
  });
});
