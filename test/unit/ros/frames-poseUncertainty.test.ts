// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { QpvoError } from '../../../src/error.ts';
import { IDENTITY, type Pose } from '../../../src/odometry/Pose.ts';
import { isPositiveDefinite, LOST_COVARIANCE } from '../../../src/ros/frames/covariance6.ts';
import {
  PoseUncertainty,
  type UncertaintyModel,
  type UncertaintyStep,
} from '../../../src/ros/frames/PoseUncertainty.ts';
import { NO_GROWTH, poseCovariance } from '../../../src/ros/frames/uncertaintyModel.ts';
import { assertNear, Chance, FORWARD, ms } from './frames-geometry.ts';

const MODEL: UncertaintyModel = {
  inflation: 100,
  positionPerMetre: 0.02,
  rotationPerMetre: 0.001,
  positionFloor: 0.01,
  rotationFloor: 0.002,
  lossSpeed: 0.5,
};
/** Nothing but one part of the model at a time. */
const NOTHING: UncertaintyModel = {
  inflation: 0,
  positionPerMetre: 0,
  rotationPerMetre: 0,
  positionFloor: 0,
  rotationFloor: 0,
  lossSpeed: 0,
};
const MOUNTING: Pose = { t: [0.2, 0, 0.3], q: FORWARD };
/** robot_localization's least variance is added to everything. */
const LEAST = 1e-9;

const raw = (value: number) => Float64Array.from({ length: 36 }, (_, i) => (i % 7 === 0 ? value : 0));
const at = (x: number): Pose => ({ t: [x, 0, 0], q: [0, 0, 0, 1] });

const step = (of: Partial<UncertaintyStep> & { seconds?: number } = {}): UncertaintyStep => ({
  stampNs: ms(1000 * (of.seconds ?? 0)),
  segment: 0,
  raw: raw(1e-6),
  scale: 1,
  T_odom_base: IDENTITY,
  ...of,
});

const deviation = (C: ArrayLike<number>, axis: number) => Math.sqrt(C[7 * axis]! - LEAST);

function assertSound(C: Float64Array): void {
  assert.equal(C.length, 36);
  assert.ok(C.every(Number.isFinite), `not finite: ${C.join(' ')}`);
  C.forEach((v, i) => {
    assert.equal(v, C[6 * (i % 6) + Math.floor(i / 6)], `not symmetric at ${i}`);
  });
  assert.ok(isPositiveDefinite(C), `not positive definite: ${C.join(' ')}`);
}

/** One metre a second at 10 Hz. @returns the covariances of the last pose */
function drive(uncertainty: PoseUncertainty, from: number, to: number, of: Partial<UncertaintyStep> = {}) {
  let last = uncertainty.update(step({ seconds: from, T_odom_base: at(from), ...of }));
  for (let k = 1; k <= Math.round((to - from) * 10); k++) {
    const x = from + k / 10;
    last = uncertainty.update(step({ seconds: x, T_odom_base: at(x), ...of }));
  }
  return last;
}

describe('pose uncertainty: parts of the model', () => {
  it('inflates the covariance of bundle adjustment', () => {
    const { pose } = new PoseUncertainty({ ...NOTHING, inflation: 50 }, { t: [0, 0, 0], q: FORWARD }).update(step());
    assertNear(
      pose,
      raw(50e-6).map((v) => (v === 0 ? 0 : v + LEAST)),
      1e-15,
    );
  });

  it('takes the scale into account for positions', () => {
    const { pose } = new PoseUncertainty({ ...NOTHING, inflation: 1 }, { t: [0, 0, 0], q: FORWARD }).update(
      step({ scale: 3 }),
    );
    assertNear([deviation(pose, 0), deviation(pose, 3)], [3e-3, 1e-3], 1e-9);
  });

  it('grows with the way, in proportion', () => {
    const model = { ...NOTHING, positionPerMetre: 0.02, rotationPerMetre: 0.001 };
    const uncertainty = new PoseUncertainty(model, MOUNTING);
    const ten = drive(uncertainty, 0, 10).pose;
    assertNear([deviation(ten, 0), deviation(ten, 2), deviation(ten, 5)], [0.2, 0.2, 0.01], 1e-6);
    const forty = drive(uncertainty, 10, 40).pose;
    assertNear([deviation(forty, 1), deviation(forty, 3)], [0.8, 0.04], 1e-6);
  });

  it('counts the way, not the distance from the start', () => {
    const uncertainty = new PoseUncertainty({ ...NOTHING, positionPerMetre: 0.1 }, MOUNTING);
    for (const [k, x] of [0, 1, 0, 1, 0].entries()) uncertainty.update(step({ seconds: k, T_odom_base: at(x) }));
    const { pose } = uncertainty.update(step({ seconds: 5, T_odom_base: at(0) }));
    assertNear([deviation(pose, 0)], [0.4], 1e-6);
  });

  it('grows with the spread of the scale', () => {
    const uncertainty = new PoseUncertainty(NOTHING, MOUNTING);
    assertNear([deviation(drive(uncertainty, 0, 10, { scaleSpread: 0.05 }).pose, 0)], [0.5], 1e-6);
    assertNear([deviation(drive(uncertainty, 10, 20).pose, 0)], [0.5], 1e-6);
  });

  it('has floors', () => {
    const { pose } = new PoseUncertainty({ ...NOTHING, positionFloor: 0.03, rotationFloor: 0.004 }, MOUNTING).update(
      step({ raw: raw(0) }),
    );
    assertNear(
      [0, 1, 2, 3, 4, 5].map((k) => deviation(pose, k)),
      [0.03, 0.03, 0.03, 0.004, 0.004, 0.004],
      1e-6,
    );
  });

  it('adds independent parts as variances', () => {
    const { pose } = new PoseUncertainty(
      { ...NOTHING, positionFloor: 0.3, inflation: 1 },
      { t: [0, 0, 0], q: FORWARD },
    ).update(step({ raw: raw(0.16) }));
    assertNear([deviation(pose, 0)], [0.5], 1e-6);
  });

  it('is what the function without state gives', () => {
    const { pose } = new PoseUncertainty(MODEL, MOUNTING).update(step({ raw: undefined }));
    assert.deepEqual(pose, poseCovariance(MODEL, new Float64Array(36), IDENTITY, NO_GROWTH));
  });

  it('takes other constants while it runs', () => {
    const uncertainty = new PoseUncertainty({ ...NOTHING, positionPerMetre: 0.01 }, MOUNTING);
    drive(uncertainty, 0, 10);
    uncertainty.setModel({ ...NOTHING, positionPerMetre: 0.05 });
    assertNear([deviation(uncertainty.update(step({ seconds: 11, T_odom_base: at(10) })).pose, 0)], [0.5], 1e-6);
  });
});

describe('pose uncertainty: losses', () => {
  it('a time without a pose adds the speed before it times that time', () => {
    const uncertainty = new PoseUncertainty(NOTHING, MOUNTING);
    drive(uncertainty, 0, 3);
    // Two seconds lost at 1 m/s; odom goes on from the last pose.
    const after = uncertainty.update(step({ seconds: 5, segment: 1, T_odom_base: at(3) }));
    assertNear([deviation(after.pose, 0)], [2], 1e-6);
    assert.deepEqual(after.twist, Float64Array.from(LOST_COVARIANCE));
    // And it does not heal.
    const later = uncertainty.update(step({ seconds: 5.1, segment: 1, T_odom_base: at(3) }));
    assertNear([deviation(later.pose, 0)], [2], 1e-6);
  });

  it('wild steps just before the loss do not count as speed', () => {
    const uncertainty = new PoseUncertainty(NOTHING, MOUNTING);
    drive(uncertainty, 0, 3);
    for (const k of [1, 2, 3]) uncertainty.update(step({ seconds: 3 + k / 10, T_odom_base: at(100 * k) }));
    const { pose } = uncertainty.update(step({ seconds: 5.3, segment: 1, T_odom_base: at(300) }));
    assertNear([deviation(pose, 0)], [2], 1e-6);
  });

  it('a robot that stood before the loss may have moved', () => {
    const uncertainty = new PoseUncertainty({ ...NOTHING, lossSpeed: 0.5 }, MOUNTING);
    for (let k = 0; k < 20; k++) uncertainty.update(step({ seconds: k / 10 }));
    const { pose } = uncertainty.update(step({ seconds: 5.9, segment: 1 }));
    assertNear([deviation(pose, 0)], [2], 1e-6);
    assert.ok(deviation(pose, 5) > 0.5);
  });

  it('several losses are independent', () => {
    const uncertainty = new PoseUncertainty({ ...NOTHING, lossSpeed: 1 }, MOUNTING);
    uncertainty.update(step({ seconds: 0 }));
    uncertainty.update(step({ seconds: 3, segment: 1 }));
    assertNear([deviation(uncertainty.update(step({ seconds: 7, segment: 2 })).pose, 0)], [5], 1e-6);
  });

  it('no rotation is farther off than half a turn', () => {
    const uncertainty = new PoseUncertainty(MODEL, MOUNTING);
    uncertainty.update(step());
    const { pose } = uncertainty.update(step({ seconds: 1e6, segment: 1 }));
    assertNear([Math.sqrt(pose[35]!)], [Math.PI], 1e-6);
    assertSound(pose);
  });

  it('stamps that begin anew with the segment add nothing', () => {
    const uncertainty = new PoseUncertainty(NOTHING, MOUNTING);
    uncertainty.update(step({ seconds: 100 }));
    assertNear([deviation(uncertainty.update(step({ seconds: 0, segment: 1 })).pose, 0)], [0], 1e-6);
  });

  it('a pose set from outside is sure again', () => {
    const uncertainty = new PoseUncertainty(MODEL, MOUNTING);
    drive(uncertainty, 0, 50);
    uncertainty.reset();
    const { pose } = uncertainty.update(step({ seconds: 60, segment: 1, raw: raw(0), T_odom_base: at(99) }));
    assertNear([deviation(pose, 0)], [MODEL.positionFloor], 1e-6);
  });
});

describe('twist uncertainty', () => {
  it('is 9999 before there is a velocity', () => {
    const uncertainty = new PoseUncertainty(MODEL, MOUNTING);
    assert.deepEqual(uncertainty.update(step()).twist, Float64Array.from(LOST_COVARIANCE));
    assert.deepEqual(uncertainty.update(step()).twist, Float64Array.from(LOST_COVARIANCE));
  });

  it('is that of the step per time, in base_link whatever the heading', () => {
    const narrow = raw(0).map((_, i) => (i === 14 ? 1e-6 : 0));
    for (const q of [IDENTITY.q, [0, 0, 1, 0] as Pose['q'], [0, 0, Math.SQRT1_2, Math.SQRT1_2] as Pose['q']]) {
      const uncertainty = new PoseUncertainty({ ...NOTHING, inflation: 4 }, MOUNTING);
      uncertainty.update(step({ T_odom_base: { t: [0, 0, 0], q }, raw: narrow }));
      const { twist } = uncertainty.update(step({ seconds: 0.1, T_odom_base: { t: [0, 0, 0], q }, raw: narrow }));
      // Along the optical axis, 2 mm in 0.1 s, is forward.
      assertNear(
        [0, 1, 2, 3].map((k) => deviation(twist, k)),
        [0.02, 0, 0, 0],
        1e-6,
      );
    }
  });

  it('does not grow with the way, but with the speed', () => {
    const uncertainty = new PoseUncertainty({ ...NOTHING, positionPerMetre: 0.1, positionFloor: 0.01 }, MOUNTING);
    const early = drive(uncertainty, 0, 1).twist;
    const late = drive(uncertainty, 1, 100).twist;
    assertNear([deviation(early, 0)], [Math.hypot(0.1, 0.01)], 1e-6);
    assertNear(early, late, 1e-9);
  });
});

describe('pose uncertainty: faulty inputs', () => {
  it('is symmetric, positive definite and finite whatever bundle adjustment gives', () => {
    const chance = new Chance(4);
    const anything = (size: number) => Float64Array.from({ length: 36 }, () => size * chance.normal());
    const faulty = [
      ...[0, 1e-300, 1e-12, 1, 1e6, 1e15, 1e100, 1e300].map(anything),
      ...[1e-18, 1, 1e300].map((size) => raw(-size)),
      raw(Number.NaN),
      raw(Number.POSITIVE_INFINITY),
      new Float64Array(36).fill(1),
      new Float64Array(36).fill(1e12),
      new Float64Array(0),
      undefined,
    ];
    for (const model of [MODEL, NOTHING, { ...MODEL, inflation: 1e12, positionPerMetre: 1e12 }]) {
      for (const mounting of [MOUNTING, chance.pose(), { t: [1e6, -1e6, 1e6], q: FORWARD } as Pose]) {
        const uncertainty = new PoseUncertainty(model, mounting);
        for (const [k, value] of faulty.entries()) {
          const given = step({ seconds: k / 30, segment: k >> 2, raw: value, T_odom_base: chance.pose() });
          const { pose, twist } = uncertainty.update(given);
          assertSound(pose);
          assertSound(twist);
        }
      }
    }
  });

  it('takes extreme ways and scales', () => {
    const uncertainty = new PoseUncertainty(MODEL, MOUNTING);
    for (const [k, x] of [0, 1e150, -1e150, 1e300, 0].entries()) {
      for (const scale of [1e-200, 1e200, Number.NaN]) {
        const { pose, twist } = uncertainty.update(step({ seconds: k, scale, scaleSpread: 1e9, T_odom_base: at(x) }));
        assertSound(pose);
        assertSound(twist);
      }
    }
  });

  it('uses the last covariance of bundle adjustment when there is none', () => {
    const uncertainty = new PoseUncertainty({ ...NOTHING, inflation: 1 }, { t: [0, 0, 0], q: FORWARD });
    const { pose } = uncertainty.update(step({ raw: raw(0.04) }));
    for (const missing of [undefined, raw(Number.NaN)]) {
      assertNear(uncertainty.update(step({ raw: missing })).pose, pose, 1e-12);
    }
  });

  it('refuses a pose that is none', () => {
    assert.throws(
      () => new PoseUncertainty(MODEL, MOUNTING).update(step({ T_odom_base: at(Number.NaN) })),
      (error) => error instanceof QpvoError && error.code === 'QPVO_INTERNAL',
    );
  });

  it('refuses constants that are none', () => {
    for (const name of Object.keys(MODEL)) {
      for (const bad of [-1, Number.NaN, Number.POSITIVE_INFINITY]) {
        const refused = (error: unknown) =>
          error instanceof QpvoError && error.code === 'QPVO_PARAMETER' && error.message.includes(name);
        assert.throws(() => new PoseUncertainty({ ...MODEL, [name]: bad }, MOUNTING), refused);
        assert.throws(() => new PoseUncertainty(MODEL, MOUNTING).setModel({ ...MODEL, [name]: bad }), refused);
      }
    }
  });
});
