// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { IDENTITY, type Pose } from '../../../src/odometry/Pose.ts';
import { compose, exp, inverse, type Tangent } from '../../../src/odometry/se3.ts';
import { Trajectory } from '../../../src/odometry/Trajectory.ts';
import type { FinalPose } from '../../../src/odometry/types.ts';
import { normal, random } from '../../native/makeOps.ts';

const next = random(4);
const randomPose = () => exp(Array.from({ length: 6 }, () => 0.5 * normal(next)) as Tangent);
const at = (sequence: number) => BigInt(sequence) * 50_000_000n;

function assertPose(got: Pose, expected: Pose): void {
  const between = compose(inverse(got), expected);
  assert.ok(Math.hypot(...between.t, between.q[0], between.q[1], between.q[2]) < 1e-9, JSON.stringify([got, expected]));
}

const numbers = (poses: FinalPose[]) => poses.map(({ sequence }) => sequence);

describe('poses on their way out', () => {
  it('leave as T_world_camera when they are settled, placed by the segment', () => {
    const trajectory = new Trajectory();
    const [T_camera_segment, T_world_segment] = [randomPose(), randomPose()];
    const entry = trajectory.add(3, at(3), 2);
    assert.deepEqual(trajectory.takeFinal(T_world_segment), []);
    entry.settled = T_camera_segment;
    const [pose, ...rest] = trajectory.takeFinal(T_world_segment);
    assert.deepEqual(rest, []);
    assertPose(pose!.T_world_camera, compose(T_world_segment, inverse(T_camera_segment)));
    assert.deepEqual([pose!.sequence, pose!.stampNs, pose!.segment, pose!.isKeyframe], [3, at(3), 2, true]);
    assert.deepEqual(trajectory.takeFinal(T_world_segment), []);
  });

  it('leave in the order of the images, each once, whatever was settled first', () => {
    const trajectory = new Trajectory();
    const entries = [0, 1, 2, 3].map((sequence) => trajectory.add(sequence, at(sequence), 0));
    entries[2]!.settled = randomPose();
    assert.deepEqual(trajectory.takeFinal(IDENTITY), []);
    entries[0]!.settled = randomPose();
    assert.deepEqual(numbers(trajectory.takeFinal(IDENTITY)), [0]);
    entries[1]!.settled = randomPose();
    assert.deepEqual(numbers(trajectory.takeFinal(IDENTITY)), [1, 2]);
    assert.equal(trajectory.waitingCount, 1);
  });

  it('of a dropped frame follow the frame they hang on, along a chain', () => {
    const trajectory = new Trajectory();
    const [base, middle, last] = [0, 1, 2].map((sequence) => trajectory.add(sequence, at(sequence), 0));
    const [toMiddle, toLast, pose] = [randomPose(), randomPose(), randomPose()];
    trajectory.follow(last!, middle!, toLast);
    trajectory.follow(middle!, base!, toMiddle);
    assert.deepEqual(trajectory.takeFinal(IDENTITY), []);
    base!.settled = pose;
    const poses = trajectory.takeFinal(IDENTITY);
    assert.deepEqual(
      poses.map(({ isKeyframe }) => isKeyframe),
      [true, false, false],
    );
    assertPose(poses[1]!.T_world_camera, inverse(compose(toMiddle, pose)));
    assertPose(poses[2]!.T_world_camera, inverse(compose(toLast, compose(toMiddle, pose))));
  });

  it('of images passed over lie between their neighbours, by time', () => {
    const trajectory = new Trajectory();
    const before = trajectory.add(0, at(0), 0);
    trajectory.pass(1, at(1), 0);
    trajectory.pass(2, at(3), 0);
    const after = trajectory.add(3, at(4), 0);
    before.settled = inverse({ t: [1, 0, 0], q: [0, 0, 0, 1] });
    assert.deepEqual(numbers(trajectory.takeFinal(IDENTITY)), [0]);
    after.settled = inverse({ t: [5, 0, 0], q: [0, 0, Math.sin(0.2), Math.cos(0.2)] });
    const poses = trajectory.takeFinal(IDENTITY);
    assert.deepEqual(numbers(poses), [1, 2, 3]);
    assert.deepEqual(
      poses.map(({ isKeyframe }) => isKeyframe),
      [false, false, true],
    );
    assertPose(poses[0]!.T_world_camera, { t: [2, 0, 0], q: [0, 0, Math.sin(0.05), Math.cos(0.05)] });
    assertPose(poses[1]!.T_world_camera, { t: [4, 0, 0], q: [0, 0, Math.sin(0.15), Math.cos(0.15)] });
  });

  it('those without a pose are forgotten from a number on; those before are not', () => {
    const trajectory = new Trajectory();
    const entries = [0, 1, 2].map((sequence) => trajectory.add(sequence, at(sequence), 0));
    trajectory.discardFrom(1);
    for (const entry of entries) entry.settled = IDENTITY;
    assert.deepEqual(numbers(trajectory.takeFinal(IDENTITY)), [0]);
    assert.equal(trajectory.waitingCount, 0);
  });

  it('a camera that stands still for hours does not fill the memory', () => {
    const trajectory = new Trajectory();
    const first = trajectory.add(0, at(0), 0);
    for (let sequence = 1; sequence < 20_000; sequence++) trajectory.pass(sequence, at(sequence), 0);
    assert.ok(trajectory.waitingCount <= 2000);
    const last = trajectory.add(20_000, at(20_000), 0);
    first.settled = IDENTITY;
    last.settled = IDENTITY;
    const poses = numbers(trajectory.takeFinal(IDENTITY));
    assert.deepEqual(
      poses,
      Array.from({ length: 2000 }, (_, i) => 18_001 + i),
    );
  });
});
