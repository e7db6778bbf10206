// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { QpvoError } from '../../../src/error.ts';
import { IDENTITY, type Pose } from '../../../src/odometry/Pose.ts';
import { compose, exp, inverse, transform, type Vec3 } from '../../../src/odometry/se3.ts';
import { OdomFrame, type VisualPose } from '../../../src/ros/frames/OdomFrame.ts';
import { StaticTransforms } from '../../../src/ros/frames/StaticTransforms.ts';
import { TwistEstimator } from '../../../src/ros/frames/TwistEstimator.ts';
import { assertNear, assertSamePose, Chance, FORWARD, LEFTWARD, TIGHT } from './frames-geometry.ts';

const AHEAD: Pose = { t: [0.2, 0, 0.3], q: FORWARD };
const MOVE_ON: Pose = { t: [0, 0, 1], q: [0, 0, 0, 1] };

const visual = (T_world_camera: Pose, segment = 0, scale = 1): VisualPose => ({ T_world_camera, segment, scale });

/** What base_link does between two poses, seen in base_link. */
const step = (a: Pose, b: Pose): Pose => compose(inverse(a), b);

/** A camera that moves by these steps, each in the camera frame. */
function path(steps: readonly Pose[], start: Pose = IDENTITY): Pose[] {
  const poses = [start];
  for (const one of steps) poses.push(compose(poses.at(-1)!, one));
  return poses;
}

const wander = (seed: number, count: number) => {
  const chance = new Chance(seed);
  const steps = Array.from({ length: count }, () => {
    const [a, b] = [chance.vector(), chance.vector()];
    return exp([0.1 * a[0], 0.1 * a[1], 0.3 + 0.1 * a[2], 0.05 * b[0], 0.05 * b[1], 0.05 * b[2]]);
  });
  return { steps, poses: path(steps) };
};

describe('odom: directions', () => {
  it('a camera that moves along its optical axis moves base_link forward: +x', () => {
    const frame = new OdomFrame(AHEAD);
    assertSamePose(frame.update(visual(IDENTITY)), IDENTITY);
    assertSamePose(frame.update(visual(MOVE_ON)), { t: [1, 0, 0], q: [0, 0, 0, 1] });
    const right: Pose = { t: [0.5, 0, 1], q: [0, 0, 0, 1] };
    assertSamePose(frame.update(visual(right)), { t: [1, -0.5, 0], q: [0, 0, 0, 1] });
    const down: Pose = { t: [0.5, 0.25, 1], q: [0, 0, 0, 1] };
    assertSamePose(frame.update(visual(down)), { t: [1, -0.5, -0.25], q: [0, 0, 0, 1] });
  });

  it('a camera that looks to the left: its right is forward, its optical axis is left', () => {
    // Robot drives forward: the left-looking camera moves to its right (+x of the optical frame).
    const frame = new OdomFrame({ t: [0, 0.3, 0.1], q: LEFTWARD });
    frame.update(visual(IDENTITY));
    assertSamePose(frame.update(visual({ t: [2, 0, 0], q: [0, 0, 0, 1] })), { t: [2, 0, 0], q: [0, 0, 0, 1] });
    // Along its optical axis: base_link goes to its left, +y.
    assertSamePose(frame.update(visual({ t: [2, 0, 1], q: [0, 0, 0, 1] })), { t: [2, 1, 0], q: [0, 0, 0, 1] });
  });

  it('a turn of the robot to the left is a positive yaw, and the lever arm is not a motion of base_link', () => {
    const frame = new OdomFrame(AHEAD);
    frame.update(visual(IDENTITY));
    const T_odom_base = exp([0, 0, 0, 0, 0, 0.5]);
    const T_world_camera = compose(inverse(AHEAD), compose(T_odom_base, AHEAD));
    assert.ok(Math.hypot(...T_world_camera.t) > 0.05);
    assertSamePose(frame.update(visual(T_world_camera)), T_odom_base);
  });

  it('a camera pitched down by 30 degrees still moves base_link level', () => {
    const T_base_camera = compose(
      { t: [0.1, 0, 1], q: exp([0, 0, 0, 0, Math.PI / 6, 0]).q },
      { t: [0, 0, 0], q: FORWARD },
    );
    const frame = new OdomFrame(T_base_camera);
    frame.update(visual(IDENTITY));
    // Forward and level is, in the camera, forward by cos and up (-y) by sin.
    const T_world_camera: Pose = { t: [0, -Math.sin(Math.PI / 6), Math.cos(Math.PI / 6)], q: [0, 0, 0, 1] };
    assertSamePose(frame.update(visual(T_world_camera)), { t: [1, 0, 0], q: [0, 0, 0, 1] });
  });

  it('metres are segment units times the scale, and the lever arm is metres already', () => {
    const chance = new Chance(5);
    const T_base_camera = chance.pose();
    const frame = new OdomFrame(T_base_camera);
    const base = path(Array.from({ length: 10 }, () => chance.pose()));
    for (const T_odom_base of base) {
      const metric = compose(inverse(T_base_camera), compose(T_odom_base, T_base_camera));
      const T_world_camera: Pose = { t: metric.t.map((v) => v / 0.37) as Vec3, q: metric.q };
      assertSamePose(frame.update(visual(T_world_camera, 0, 0.37)), T_odom_base, 1e-10);
    }
  });

  it('has the documented order of operations, bit for bit', () => {
    const chance = new Chance(6);
    const T_base_camera = chance.pose();
    const frame = new OdomFrame(T_base_camera);
    const inBase = ({ t, q }: Pose, scale: number) =>
      compose(compose(T_base_camera, { t: [scale * t[0], scale * t[1], scale * t[2]], q }), inverse(T_base_camera));
    let last = IDENTITY;
    let T = IDENTITY;
    for (let i = 0; i < 20; i++) {
      T = chance.pose();
      last = frame.update(visual(T, 0, 1.7));
      assert.deepEqual(last, compose(IDENTITY, inBase(T, 1.7)));
    }
    let A = compose(last, inverse(inBase(T, 0.6)));
    T = chance.pose();
    last = frame.update(visual(T, 0, 0.6));
    assert.deepEqual(last, compose(A, inBase(T, 0.6)));
    T = chance.pose();
    A = compose(last, inverse(inBase(T, 0.6)));
    assert.deepEqual(frame.update(visual(T, 1, 0.6)), last);
    T = chance.pose();
    assert.deepEqual(frame.update(visual(T, 1, 0.6)), compose(A, inBase(T, 0.6)));
  });
});

describe('odom: no jumps', () => {
  it('a new segment goes on exactly from the last pose, whatever its world, and keeps the direction of motion', () => {
    const chance = new Chance(7);
    const frame = new OdomFrame(AHEAD);
    const { steps, poses } = wander(8, 60);
    let last: Pose | undefined;
    for (let segment = 0; segment < 6; segment++) {
      const T_world_segment = segment === 0 ? IDENTITY : chance.pose();
      for (let k = 10 * segment; k < 10 * segment + 10; k++) {
        const pose = frame.update(visual(compose(T_world_segment, poses[k]!), segment));
        if (last !== undefined && k % 10 === 0) assert.deepEqual(pose, last);
        else if (last !== undefined) {
          assertSamePose(step(last, pose), compose(compose(AHEAD, steps[k - 1]!), inverse(AHEAD)), 1e-10);
        }
        last = pose;
      }
    }
  });

  it('another scale goes on from the last pose, and the step to the new one counts with the new scale', () => {
    const frame = new OdomFrame(AHEAD);
    const at = (z: number): Pose => ({ t: [0, 0, z], q: [0, 0, 0, 1] });
    assertNear(frame.update(visual(at(0), 0, 1)).t, [0, 0, 0]);
    assertNear(frame.update(visual(at(100), 0, 1)).t, [100, 0, 0]);
    assertNear(frame.update(visual(at(101), 0, 2)).t, [102, 0, 0]);
    assertNear(frame.update(visual(at(102), 0, 2)).t, [104, 0, 0]);
    assertNear(frame.update(visual(at(102), 0, 0.1)).t, [104, 0, 0]);
    assertNear(frame.update(visual(at(112), 0, 0.1)).t, [105, 0, 0]);
  });

  it('segment and scale may change at once', () => {
    const frame = new OdomFrame(AHEAD);
    frame.update(visual(IDENTITY));
    const last = frame.update(visual(MOVE_ON));
    assert.deepEqual(frame.update(visual({ t: [5, 5, 5], q: [0, 0, 0, 1] }, 4, 3)), last);
    assertNear(frame.update(visual({ t: [5, 5, 6], q: [0, 0, 0, 1] }, 4, 3)).t, [4, 0, 0]);
  });

  it('stays continuous over a thousand changes', () => {
    const chance = new Chance(9);
    const frame = new OdomFrame(chance.pose());
    const { poses } = wander(10, 1000);
    let last = frame.update(visual(poses[0]!, 0, 1));
    let [segment, scale] = [0, 1];
    for (const [k, T] of poses.entries()) {
      if (chance.next() < 0.2) segment++;
      if (chance.next() < 0.2) scale = 0.5 + chance.next();
      const pose = frame.update(visual(T, segment, scale));
      const moved = Math.hypot(...step(last, pose).t);
      // A step is 0.3 with noise of 0.1 on each axis, at most 1.5 times; a lever arm of a few metres turns by 0.05 rad with noise.
      assert.ok(moved < 3, `a jump of ${moved} at ${k}`);
      assert.ok(Math.abs(Math.hypot(...pose.q) - 1) < TIGHT);
      last = pose;
    }
  });

  it('a first pose that is not the origin of its world is not moved there', () => {
    const frame = new OdomFrame(AHEAD);
    assertSamePose(frame.update(visual(MOVE_ON)), { t: [1, 0, 0], q: [0, 0, 0, 1] });
  });
});

describe('odom: moved from outside', () => {
  const GOAL = exp([5, -3, 1, 0.1, 0.2, 1.5]);

  it('goes on from the pose given', () => {
    const frame = new OdomFrame(AHEAD);
    frame.update(visual(IDENTITY));
    frame.update(visual(MOVE_ON));
    frame.moveTo(GOAL);
    assertSamePose(frame.update(visual(MOVE_ON)), GOAL);
    const next = frame.update(visual({ t: [0, 0, 3], q: [0, 0, 0, 1] }));
    assertSamePose(step(GOAL, next), { t: [2, 0, 0], q: [0, 0, 0, 1] });
  });

  it('is the first pose of a segment that begins at the same time', () => {
    const frame = new OdomFrame(AHEAD);
    frame.update(visual(MOVE_ON));
    frame.moveTo(GOAL);
    assert.deepEqual(frame.update(visual(new Chance(1).pose(), 1, 2)), GOAL);
  });

  it('is the first pose when there was none', () => {
    const frame = new OdomFrame(AHEAD);
    frame.moveTo(GOAL);
    assert.deepEqual(frame.update(visual(MOVE_ON, 7, 2)), GOAL);
    assertSamePose(step(GOAL, frame.update(visual({ t: [0, 0, 2], q: [0, 0, 0, 1] }, 7, 2))), {
      t: [2, 0, 0],
      q: [0, 0, 0, 1],
    });
  });

  it('refuses a pose that is none', () => {
    const frame = new OdomFrame(AHEAD);
    assert.throws(() => frame.moveTo({ t: [Number.NaN, 0, 0], q: [0, 0, 0, 1] }), /not finite/);
    assertSamePose(frame.update(visual(IDENTITY)), IDENTITY);
  });
});

describe('odom: points and faults', () => {
  it('places points where the camera sees them', () => {
    const chance = new Chance(11);
    const T_base_camera = chance.pose();
    const frame = new OdomFrame(T_base_camera);
    for (const [segment, scale] of [
      [0, 1],
      [0, 2.5],
      [3, 0.4],
    ] as const) {
      for (let i = 0; i < 5; i++) {
        const T_world_camera = chance.pose();
        const T_odom_base = frame.update(visual(T_world_camera, segment, scale));
        const p_camera = chance.vector();
        const p_odom = frame.place(transform(T_world_camera, p_camera));
        const metric = p_camera.map((v) => scale * v) as Vec3;
        assertNear(p_odom, transform(compose(T_odom_base, T_base_camera), metric), 1e-10);
      }
    }
  });

  it('/tf and odometry agree: the camera found through the tree is the camera of the visual odometry', () => {
    const chance = new Chance(13);
    const frame = new OdomFrame(AHEAD);
    for (let k = 0; k < 20; k++) {
      const T_world_camera = chance.pose();
      const T_odom_base = frame.update(visual(T_world_camera, 0, 2));
      const scaled: Pose = { t: T_world_camera.t.map((v) => 2 * v) as Vec3, q: T_world_camera.q };
      for (const isInverted of [false, true]) {
        const tree = new StaticTransforms();
        tree.add('base_link', 'optical', AHEAD);
        if (isInverted) tree.add('base_link', 'odom', inverse(T_odom_base));
        else tree.add('odom', 'base_link', T_odom_base);
        // The world of the first segment is the optical frame at the start: AHEAD in odom.
        assertSamePose(tree.lookup('odom', 'optical')!, compose(AHEAD, scaled));
      }
    }
  });

  it('places points before the first pose too', () => {
    assertNear(new OdomFrame(AHEAD).place([0, 0, 2]), [2.2, 0, 0.3]);
  });

  it('refuses poses and scales that are none, and goes on as if nothing had come', () => {
    const frame = new OdomFrame(AHEAD);
    frame.update(visual(IDENTITY));
    const bad: Pose = { t: [0, 0, 0], q: [0, 0, 0, Number.NaN] };
    assert.throws(
      () => frame.update(visual(bad, 1)),
      (error) => error instanceof QpvoError && error.code === 'QPVO_INTERNAL',
    );
    for (const scale of [0, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
      assert.throws(
        () => frame.update(visual(MOVE_ON, 1, scale)),
        (error) => error instanceof QpvoError && error.code === 'QPVO_PARAMETER' && /scale/.test(error.message),
      );
    }
    assertSamePose(frame.update(visual(MOVE_ON)), { t: [1, 0, 0], q: [0, 0, 0, 1] });
  });
});

describe('velocity of base_link', () => {
  const at = (stampNs: bigint, T_odom_base: Pose, segment = 0) => ({ stampNs, T_odom_base, segment });
  const SECOND = 1_000_000_000n;

  it('is that of the motion, in base_link whatever its heading', () => {
    const estimator = new TwistEstimator();
    const twist = [1.5, 0.1, -0.2, 0.3, -0.1, 0.8] as const;
    const T = exp([1, 2, 3, 0.4, 0.5, -2]);
    assert.equal(estimator.update(at(0n, T)), undefined);
    const half = exp(twist.map((v) => v * 0.05) as [number, number, number, number, number, number]);
    assertNear(estimator.update(at(SECOND / 20n, compose(T, half)))!, twist);
    assertNear(estimator.update(at((3n * SECOND) / 20n, compose(T, compose(half, compose(half, half)))))!, twist);
  });

  it('agrees with the poses: the twist leads from one to the next', () => {
    const chance = new Chance(12);
    const estimator = new TwistEstimator();
    let last: Pose | undefined;
    for (let k = 0; k < 20; k++) {
      const T = chance.pose();
      const twist = estimator.update(at((BigInt(k) * SECOND) / 30n, T));
      if (last !== undefined) {
        const seconds = Number((BigInt(k) * SECOND) / 30n - (BigInt(k - 1) * SECOND) / 30n) / 1e9;
        assertSamePose(
          compose(last, exp(twist!.map((v) => v * seconds) as [number, number, number, number, number, number])),
          T,
          1e-8,
        );
      }
      last = T;
    }
  });

  it('is unknown across segments, when stamps do not go forward, and after a move from outside', () => {
    const estimator = new TwistEstimator();
    const moved: Pose = { t: [1, 0, 0], q: [0, 0, 0, 1] };
    assert.equal(estimator.update(at(0n, IDENTITY)), undefined);
    assert.equal(estimator.update(at(SECOND, moved, 1)), undefined);
    assert.equal(estimator.update(at(SECOND, IDENTITY, 1)), undefined);
    assertNear(estimator.update(at(2n * SECOND, moved, 1))!, [0, 0, 0, 0, 0, 0]);
    assert.equal(estimator.update(at(SECOND, IDENTITY, 1)), undefined);
    assertNear(estimator.update(at(2n * SECOND, moved, 1))!, [1, 0, 0, 0, 0, 0]);
    estimator.reset();
    assert.equal(estimator.update(at(3n * SECOND, moved, 1)), undefined);
    assertNear(estimator.update(at(4n * SECOND, moved, 1))!, [0, 0, 0, 0, 0, 0]);
  });

  it('survives a pose that is none', () => {
    const estimator = new TwistEstimator();
    estimator.update(at(0n, IDENTITY));
    assert.equal(estimator.update(at(SECOND, { t: [Number.NaN, 0, 0], q: [0, 0, 0, 1] })), undefined);
  });
});
