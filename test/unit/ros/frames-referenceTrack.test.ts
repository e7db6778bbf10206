// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { IDENTITY, type Pose } from '../../../src/odometry/Pose.ts';
import { ReferenceTrack } from '../../../src/ros/frames/ReferenceTrack.ts';
import { assertSamePose, ms } from './frames-geometry.ts';

const at = (x: number): Pose => ({ t: [x, 0, 0], q: [0, 0, 0, 1] });

describe('reference trajectory', () => {
  it('gives poses at the messages and between them, not outside', () => {
    const track = new ReferenceTrack();
    assert.equal(track.at(ms(0)), undefined);
    assert.equal(track.newestNs, undefined);
    track.add(ms(100), at(1));
    track.add(ms(200), { t: [3, 0, 0], q: [0, 0, Math.SQRT1_2, Math.SQRT1_2] });
    assert.equal(track.newestNs, ms(200));
    assert.equal(track.at(ms(99)), undefined);
    assert.equal(track.at(ms(201)), undefined);
    assert.deepEqual(track.at(ms(100))!.T_ref_base, at(1));
    assert.deepEqual(track.at(ms(200))!.T_ref_base.t, [3, 0, 0]);
    const quarter: Pose = { t: [1.5, 0, 0], q: [0, 0, Math.sin(Math.PI / 16), Math.cos(Math.PI / 16)] };
    assertSamePose(track.at(ms(125))!.T_ref_base, quarter);
  });

  it('numbers its runs: nothing lies in a gap of more than a second', () => {
    const track = new ReferenceTrack();
    for (const stamp of [0, 1000, 2001, 2100]) track.add(ms(stamp), at(stamp));
    assert.equal(track.at(ms(500))!.run, track.at(ms(1000))!.run);
    assert.equal(track.at(ms(1500)), undefined);
    assert.notEqual(track.at(ms(2050))!.run, track.at(ms(500))!.run);
  });

  it('ignores what is late or no pose', () => {
    const track = new ReferenceTrack();
    assert.equal(track.add(ms(1000), at(0)), true);
    for (const stamp of [1000, 999, 500]) assert.equal(track.add(ms(stamp), at(9)), false);
    for (const q of [
      [0, 0, 0, 0],
      [0, 0, 0, Number.NaN],
      [0, 0, 0, 3],
    ] as Pose['q'][]) {
      assert.equal(track.add(ms(1100), { t: [0, 0, 0], q }), false);
    }
    assert.equal(track.add(ms(1100), at(Number.NEGATIVE_INFINITY)), false);
    assert.equal(track.length, 1);
  });

  it('begins anew when stamps do', () => {
    const track = new ReferenceTrack();
    for (let k = 0; k < 100; k++) track.add(ms(10_000 + 20 * k), at(k));
    const { run } = track.at(ms(10_500))!;
    assert.equal(track.add(ms(0), at(0)), true);
    assert.equal(track.length, 1);
    assert.equal(track.at(ms(10_500)), undefined);
    assert.notEqual(track.at(ms(0))!.run, run);
  });

  it('recovers from one stamp out of the future', () => {
    const track = new ReferenceTrack();
    for (let k = 0; k < 10; k++) track.add(ms(20 * k), IDENTITY);
    track.add(ms(1e12), IDENTITY);
    assert.equal(track.at(ms(5e11)), undefined);
    for (let k = 10; k < 20; k++) assert.equal(track.add(ms(20 * k), IDENTITY), true);
    assert.ok(track.at(ms(310)));
  });

  it('holds twenty seconds', () => {
    const track = new ReferenceTrack();
    for (let k = 0; k <= 10_000; k++) track.add(ms(10 * k), at(k));
    assert.equal(track.length, 2001);
    assert.equal(track.at(ms(79_990)), undefined);
    assert.ok(track.at(ms(80_000)));
  });
});
