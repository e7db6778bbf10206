// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { QpvoError } from '../../../src/error.ts';
import { IDENTITY, type Pose } from '../../../src/odometry/Pose.ts';
import { compose, type Tangent } from '../../../src/odometry/se3.ts';
import { robustRatio } from '../../../src/ros/frames/robustRatio.ts';
import { ScaleEstimator } from '../../../src/ros/frames/ScaleEstimator.ts';
import { TwistIntegrator } from '../../../src/ros/frames/TwistIntegrator.ts';
import { ARCS, type Drive, ON_A_MAST, play, shaken, truth } from './frames-drive.ts';
import { assertSamePose, Chance, FORWARD, ms } from './frames-geometry.ts';

const DRIVE: Drive = { twist: ARCS, T_base_camera: ON_A_MAST, scale: 0.37 };

const make = (T_base_camera: Pose | undefined = ON_A_MAST) =>
  new ScaleEstimator({ T_base_camera: () => T_base_camera, windowS: 2, minDistanceM: 0.3 });

function assertScale(estimator: ScaleEstimator, scale: number, relative: number): void {
  const found = estimator.result();
  assert.ok(found !== undefined, 'no scale');
  assert.ok(Math.abs(found.scale / scale - 1) < relative, `scale ${found.scale}, not ${scale}`);
}

describe('scale from a reference', () => {
  it('is exact with exact poses, at stamps of images between those of the reference', () => {
    const estimator = make();
    play(estimator, { drive: DRIVE, seconds: 30 });
    // Straight lines between references 20 ms apart on arcs.
    assertScale(estimator, 0.37, 1e-4);
    assert.ok(estimator.result()!.spread < 1e-3);
    assert.ok(estimator.result()!.windows >= 12);
  });

  it('comes after five windows that agree, not before', () => {
    const estimator = make();
    play(estimator, { drive: DRIVE, seconds: 9.9 });
    assert.equal(estimator.result(), undefined);
    const longer = make();
    play(longer, { drive: DRIVE, seconds: 10.8 });
    assertScale(longer, 0.37, 1e-4);
    assert.equal(longer.result()!.windows, 5);
  });

  for (const scale of [0.01, 1, 40]) {
    it(`finds ${scale} m per unit under noise of both`, () => {
      const chance = new Chance(21);
      const estimator = make();
      play(estimator, {
        drive: { ...DRIVE, scale },
        seconds: 32,
        reference: (pose) => shaken(pose, 0.02, chance),
        visual: (pose) => shaken(pose, 0.02 / scale, chance),
      });
      // Displacements of 1.55 m with errors of 4 cm: 2.4 % a window, 0.8 % for the median of fifteen; more than three of these.
      assertScale(estimator, scale, 0.027);
      assert.ok(estimator.result()!.spread < 0.06);
    });
  }

  it('tells the spread of the windows', () => {
    const spreads = Array.from({ length: 9 }, (_, seed) => {
      const chance = new Chance(seed);
      const estimator = make();
      const noise = (pose: Pose) => shaken(pose, 0.02, chance);
      play(estimator, { drive: { ...DRIVE, scale: 1 }, seconds: 32, reference: noise, visual: noise });
      return estimator.result()!.spread;
    });
    const typical = spreads.toSorted((a, b) => a - b)[4]!;
    // Along 1.55 m: sqrt(2) 2 cm by the images, a little less by the interpolated reference: 2.4 %. Fifteen windows tell it to a third, nine runs to an eighth.
    assert.ok(typical > 0.018 && typical < 0.03, `spread ${typical}`);
  });

  it('does not mind outliers: wheels that slip, a jump of the visual odometry', () => {
    const chance = new Chance(22);
    const estimator = make();
    let slip = 0;
    play(estimator, {
      drive: DRIVE,
      seconds: 32,
      reference: (pose, atMs) => {
        // The wheels spin for a second at 3 m/s, twice.
        if ((atMs > 8000 && atMs < 9000) || (atMs > 20000 && atMs < 21000)) slip += 3 * 0.02;
        return shaken({ t: [pose.t[0] + slip, pose.t[1], pose.t[2]], q: pose.q }, 0.01, chance);
      },
      visual: (pose, atMs) => ({ t: [pose.t[0] + (atMs > 15000 ? 50 : 0), pose.t[1], pose.t[2]], q: pose.q }),
    });
    assertScale(estimator, 0.37, 0.03);
    assert.ok(estimator.result()!.spread < 0.1);
  });

  it('a wheel odometry that is set back to zero costs one window', () => {
    const estimator = make();
    play(estimator, {
      drive: DRIVE,
      seconds: 31,
      reference: (pose, atMs) => (atMs > 15000 ? compose({ t: [-30, 5, 0], q: [0, 0, 1, 0] }, pose) : pose),
    });
    assertScale(estimator, 0.37, 1e-4);
  });

  it('knows the way of the camera where base_link turns on the spot', () => {
    const turning: Drive = { ...DRIVE, twist: () => [0, 0, 0, 0, 0, 0.9] };
    const estimator = make();
    play(estimator, { drive: turning, seconds: 30 });
    assertScale(estimator, 0.37, 1e-3);
    // base_link itself has not moved at all: with the camera taken to be there, there is nothing to compare.
    const without = make({ t: [0, 0, 0], q: FORWARD });
    play(without, { drive: turning, seconds: 30 });
    assert.equal(without.result(), undefined);
    assert.ok(without.ignored.windows > 0);
  });

  it('the lever arm matters on tight arcs', () => {
    const tight: Drive = { ...DRIVE, twist: () => [0.5, 0, 0, 0, 0, 0.9] };
    const right = make();
    play(right, { drive: tight, seconds: 30 });
    assertScale(right, 0.37, 1e-3);
    const wrong = make({ t: [0, 0, 0], q: FORWARD });
    play(wrong, { drive: tight, seconds: 30 });
    assert.ok(Math.abs(wrong.result()!.scale / 0.37 - 1) > 0.1);
  });

  it('says nothing while the robot stands, whatever the noise, and keeps what it knew', () => {
    const chance = new Chance(23);
    const noise = {
      reference: (pose: Pose) => shaken(pose, 0.005, chance),
      visual: (pose: Pose) => shaken(pose, 0.05, chance),
    };
    const standing: Drive = { ...DRIVE, twist: () => [0, 0, 0, 0, 0, 0] };
    const estimator = make();
    play(estimator, { drive: standing, seconds: 60, ...noise });
    assert.equal(estimator.result(), undefined);
    assert.ok(estimator.ignored.windows >= 6);
    play(estimator, { drive: DRIVE, seconds: 30, startMs: 60_000 });
    assertScale(estimator, 0.37, 0.03);
    const before = estimator.result();
    play(estimator, { drive: standing, seconds: 60, startMs: 90_500, ...noise });
    assert.ok(Math.abs(estimator.result()!.scale / before!.scale - 1) < 0.02);
  });

  it('waits longer for a slow robot', () => {
    const estimator = make();
    play(estimator, { drive: { ...DRIVE, twist: () => [0.06, 0, 0, 0, 0, 0] }, seconds: 60 });
    assertScale(estimator, 0.37, 1e-3);
  });

  it('follows a scale that drifts', () => {
    const estimator = make();
    play(estimator, { drive: DRIVE, seconds: 30 });
    play(estimator, { drive: { ...DRIVE, scale: 0.4 }, seconds: 60, startMs: 30_000 });
    assertScale(estimator, 0.4, 1e-3);
  });

  it('keeps the scale that windows agreed on when they stop agreeing, and says so by the spread', () => {
    const chance = new Chance(24);
    const estimator = make();
    play(estimator, { drive: DRIVE, seconds: 30 });
    const worlds = Array.from({ length: 100 }, () => Math.exp(chance.normal()));
    play(estimator, {
      drive: DRIVE,
      seconds: 60,
      startMs: 30_000,
      visual: (pose, atMs) => ({ ...pose, t: pose.t.map((v) => v * worlds[Math.floor(atMs / 1000)]!) as Pose['t'] }),
    });
    assertScale(estimator, 0.37, 0.1);
    assert.ok(estimator.result()!.spread > 0.1);
  });

  it('gives no scale while windows do not agree', () => {
    const chance = new Chance(25);
    const estimator = make();
    play(estimator, { drive: DRIVE, seconds: 60, visual: (pose) => shaken(pose, 20, chance) });
    assert.equal(estimator.result(), undefined);
  });
});

describe('scale: segments, order and faults', () => {
  it('begins anew with a segment', () => {
    const estimator = make();
    play(estimator, { drive: DRIVE, seconds: 30 });
    play(estimator, { drive: { ...DRIVE, scale: 2.2 }, seconds: 9, startMs: 30_000, segment: 1 });
    assert.equal(estimator.result(), undefined);
    play(estimator, { drive: { ...DRIVE, scale: 2.2 }, seconds: 20, startMs: 39_000, segment: 1 });
    assertScale(estimator, 2.2, 1e-3);
    assert.equal(estimator.result(0), undefined);
    assert.deepEqual(estimator.result(1), estimator.result());
    assert.equal(estimator.result(2), undefined);
  });

  it('does not mind a reference that comes late, or images that come late', () => {
    for (const delayMs of [-800, 0, 300, 5000]) {
      const estimator = make();
      play(estimator, { drive: DRIVE, seconds: 30, delayMs });
      assertScale(estimator, 0.37, 1e-4);
    }
  });

  it('does not compare over gaps of the reference', () => {
    const estimator = make();
    let away = 0;
    play(estimator, {
      drive: DRIVE,
      seconds: 40,
      // Velocities were integrated: what happened in 1.5 s out of every 9 is missing.
      reference: (pose, atMs) => {
        if (atMs % 9000 > 7500) {
          away += 7;
          return undefined;
        }
        return { t: [pose.t[0] + away, pose.t[1], pose.t[2]], q: pose.q };
      },
    });
    assertScale(estimator, 0.37, 1e-3);
    assert.ok(estimator.result()!.spread < 1e-3);
    assert.ok(estimator.ignored.images > 100);
  });

  it('ignores and counts what cannot be used', () => {
    const chance = new Chance(26);
    const estimator = make();
    const bad: Pose[] = [
      { t: [Number.NaN, 0, 0], q: [0, 0, 0, 1] },
      { t: [0, 0, 0], q: [0, 0, Number.POSITIVE_INFINITY, 1] },
      { t: [0, 0, 0], q: [0, 0, 0, 0] },
    ];
    play(estimator, {
      drive: DRIVE,
      seconds: 30,
      disturb: (atMs) => {
        for (const one of bad) estimator.addReference(ms(atMs + 1), one);
        // Out of order, by up to the half second that a message may be late.
        estimator.addReference(ms(atMs - 450 * chance.next()), IDENTITY);
        estimator.addVisual(ms(atMs + 1), 0, bad[0]!);
        estimator.addVisual(ms(atMs - 500), 0, { t: [9, 9, 9], q: [0, 0, 0, 1] });
      },
    });
    assertScale(estimator, 0.37, 1e-3);
    // 50 + 28.6 events a second, four bad references and two bad images after each.
    assert.ok(estimator.ignored.references > 9000);
    assert.ok(estimator.ignored.images > 4500);
  });

  it('ignores images whose stamps do not go forward', () => {
    const estimator = make();
    estimator.addVisual(ms(1000), 0, IDENTITY);
    estimator.addVisual(ms(1000), 0, IDENTITY);
    estimator.addVisual(ms(900), 0, IDENTITY);
    assert.equal(estimator.ignored.images, 2);
  });

  it('goes on with a recording that begins again', () => {
    const estimator = make();
    for (let pass = 0; pass < 3; pass++) {
      play(estimator, { drive: { ...DRIVE, scale: 0.5 + pass }, seconds: 20, segment: pass });
      assertScale(estimator, 0.5 + pass, 1e-3);
    }
  });

  it('holds bounded memory without a partner, and recovers', () => {
    const estimator = make();
    for (let k = 0; k < 5000; k++) estimator.addVisual(ms(33 * k), 0, IDENTITY);
    assert.equal(estimator.ignored.images, 5000 - 600);
    const other = make();
    for (let k = 0; k < 5000; k++) other.addReference(ms(20 * k), IDENTITY);
    assert.equal(other.result(), undefined);
    play(other, { drive: DRIVE, seconds: 30, startMs: 200_000 });
    assertScale(other, 0.37, 1e-3);
  });

  it('waits until the mounting is known', () => {
    let T_base_camera: Pose | undefined;
    const estimator = new ScaleEstimator({ T_base_camera: () => T_base_camera, windowS: 2, minDistanceM: 0.3 });
    play(estimator, { drive: DRIVE, seconds: 15 });
    assert.equal(estimator.result(), undefined);
    T_base_camera = ON_A_MAST;
    play(estimator, { drive: DRIVE, seconds: 30, startMs: 15_000 });
    assertScale(estimator, 0.37, 1e-3);
  });

  it('refuses windows that are none', () => {
    for (const bad of [0, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
      for (const options of [
        { windowS: bad, minDistanceM: 1 },
        { windowS: 1, minDistanceM: bad },
      ]) {
        assert.throws(
          () => new ScaleEstimator({ T_base_camera: () => IDENTITY, ...options }),
          (error) => error instanceof QpvoError && error.code === 'QPVO_PARAMETER',
        );
      }
    }
  });
});

describe('poses from velocities', () => {
  const twists = (twist: (seconds: number) => Tangent, periodMs: number, seconds: number) => {
    const integrator = new TwistIntegrator();
    let pose: Pose | undefined;
    for (let k = 0; k * periodMs <= 1000 * seconds; k++)
      pose = integrator.add(ms(k * periodMs), twist((k * periodMs) / 1000));
    return pose!;
  };

  it('a constant velocity is exact', () => {
    assertSamePose(
      twists(() => [1, 0, 0, 0, 0, Math.PI / 2], 20, 2),
      // Half a circle of radius 2 / pi.
      { t: [0, 4 / Math.PI, 0], q: [0, 0, 1, 0] },
      1e-9,
    );
  });

  it('a changing one is near', () => {
    assertSamePose(twists(ARCS, 20, 10), truth(DRIVE, 10).at(-1)!, 1e-3);
  });

  it('gives the scale like poses do', () => {
    const estimator = make();
    const integrator = new TwistIntegrator();
    play(estimator, {
      drive: DRIVE,
      seconds: 30,
      reference: (_pose, atMs) => integrator.add(ms(atMs), ARCS(atMs / 1000)),
    });
    assertScale(estimator, 0.37, 1e-3);
  });

  it('adds nothing over a gap, and what estimates the scale compares nothing there', () => {
    const estimator = make();
    const integrator = new TwistIntegrator();
    play(estimator, {
      drive: DRIVE,
      seconds: 40,
      reference: (_pose, atMs) => (atMs % 9000 > 7500 ? undefined : integrator.add(ms(atMs), ARCS(atMs / 1000))),
    });
    assertScale(estimator, 0.37, 1e-3);
    assert.ok(estimator.result()!.spread < 1e-2);
  });

  it('ignores and counts what cannot be used', () => {
    const integrator = new TwistIntegrator();
    const forward: Tangent = [1, 0, 0, 0, 0, 0];
    assertSamePose(integrator.add(ms(0), forward)!, IDENTITY);
    assert.equal(integrator.add(ms(0), forward), undefined);
    assert.equal(integrator.add(ms(-100), forward), undefined);
    for (let i = 0; i < 6; i++) {
      assert.equal(integrator.add(ms(50), forward.map((v, k) => (k === i ? Number.NaN : v)) as Tangent), undefined);
    }
    assert.equal(integrator.ignored, 8);
    assertSamePose(integrator.add(ms(100), forward)!, { t: [0.1, 0, 0], q: [0, 0, 0, 1] });
  });

  it('goes on where it was when stamps begin anew', () => {
    const integrator = new TwistIntegrator();
    const forward: Tangent = [1, 0, 0, 0, 0, 0];
    integrator.add(ms(10_000), forward);
    integrator.add(ms(10_500), forward);
    assertSamePose(integrator.add(ms(0), forward)!, { t: [0.5, 0, 0], q: [0, 0, 0, 1] });
    assertSamePose(integrator.add(ms(100), forward)!, { t: [0.6, 0, 0], q: [0, 0, 0, 1] });
  });

  it('does not keep the array of the caller', () => {
    const integrator = new TwistIntegrator();
    const twist: Tangent = [1, 0, 0, 0, 0, 0];
    integrator.add(ms(0), twist);
    twist[0] = 99;
    assertSamePose(integrator.add(ms(100), [1, 0, 0, 0, 0, 0])!, { t: [0.1, 0, 0], q: [0, 0, 0, 1] });
  });
});

describe('median of ratios', () => {
  it('takes 2 and 1/2 for equally far, and ignores a few that are wild', () => {
    assert.equal(robustRatio([2]).ratio, 2);
    assert.equal(robustRatio([2]).spread, 0);
    assert.ok(Math.abs(robustRatio([0.5, 2]).ratio - 1) < 1e-12);
    const { ratio, spread } = robustRatio([1, 1.01, 0.99, 1.005, 0.995, 1e6, 1e-6]);
    assert.ok(Math.abs(ratio - 1) < 1e-12 && spread < 0.02);
  });

  it('gives the standard deviation of normal noise', () => {
    const chance = new Chance(31);
    const ratios = Array.from({ length: 10_001 }, () => 3 * Math.exp(0.05 * chance.normal()));
    const { ratio, spread } = robustRatio(ratios);
    assert.ok(Math.abs(ratio / 3 - 1) < 0.003);
    // The median absolute deviation of 10,000 has an error of 1.2 %.
    assert.ok(Math.abs(spread / 0.05 - 1) < 0.05);
  });
});
