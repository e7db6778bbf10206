// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { type Evidence, TrackingMonitor } from '../../../src/odometry/TrackingMonitor.ts';

const GOOD: Evidence = {
  health: { medianConfidence: 0.6, residualPx: 0.5, inlierShare: 0.8 },
  linkShare: 0.7,
  solved: true,
  validShare: 0.9,
  finite: true,
};
const withShare = (inlierShare: number): Evidence => ({ ...GOOD, health: { ...GOOD.health, inlierShare } });
const monitor = () => new TrackingMonitor({ degradedInlierShare: 0.25, lostInlierShare: 0.08, lostFrames: 5 });

describe('tracking state', () => {
  it('TRACKING without a reason when the evidence is good', () => {
    assert.deepEqual(monitor().judge(GOOD), { state: 'TRACKING', reason: '' });
    assert.deepEqual(monitor().judge({ ...GOOD, linkShare: undefined }), { state: 'TRACKING', reason: '' });
  });

  it('DEGRADED at once below the share, back to TRACKING at it', () => {
    const m = monitor();
    const weak = { state: 'DEGRADED', reason: 'only 24 % of the patches agree with the motion' };
    assert.deepEqual(m.judge(withShare(0.24)), weak);
    assert.equal(m.judge(withShare(0.25)).state, 'TRACKING');
    assert.equal(m.judge(withShare(0)).state, 'DEGRADED');
    assert.equal(m.judge(withShare(Number.NaN)).state, 'DEGRADED');
  });

  it('weak evidence alone never loses the track, however long', () => {
    const m = monitor();
    for (let i = 0; i < 50; i++) assert.equal(m.judge(withShare(0)).state, 'DEGRADED');
  });

  it('LOST when the last images do not hang together with the older ones, even if they agree among themselves', () => {
    const reason = 'the last 5 images do not match those before (7 % of the patches agree)';
    assert.deepEqual(monitor().judge({ ...GOOD, linkShare: 0.07 }), { state: 'LOST', reason });
    assert.equal(monitor().judge({ ...GOOD, linkShare: 0 }).state, 'LOST');
    assert.equal(monitor().judge({ ...GOOD, linkShare: 0.08 }).state, 'TRACKING');
  });

  it('LOST at once when a pose is not finite', () => {
    assert.deepEqual(monitor().judge({ ...GOOD, finite: false }), { state: 'LOST', reason: 'a pose is not finite' });
  });

  for (const { name, evidence, reason } of [
    { name: 'unsolved', evidence: { ...GOOD, solved: false }, reason: 'bundle adjustment could not be solved' },
    {
      name: 'hardly any usable edge',
      evidence: { ...GOOD, validShare: 0.09 },
      reason: 'too few patches in view (9 % usable)',
    },
  ]) {
    it(`${name}: DEGRADED, and LOST after lostFrames in a row`, () => {
      const m = monitor();
      for (let i = 0; i < 4; i++) assert.deepEqual(m.judge(evidence), { state: 'DEGRADED', reason });
      assert.deepEqual(m.judge(evidence), { state: 'LOST', reason: `${reason}, 5 frames in a row` });
    });

    it(`${name}: one good frame in between starts the count anew`, () => {
      const m = monitor();
      for (let i = 0; i < 4; i++) m.judge(evidence);
      assert.equal(m.judge(GOOD).state, 'TRACKING');
      for (let i = 0; i < 4; i++) assert.equal(m.judge(evidence).state, 'DEGRADED');
      assert.equal(m.judge(evidence).state, 'LOST');
    });
  }

  it('every other state gives its reason', () => {
    for (const evidence of [withShare(0), { ...GOOD, linkShare: 0 }, { ...GOOD, solved: false }]) {
      assert.notEqual(monitor().judge(evidence).reason, '');
    }
  });
});
