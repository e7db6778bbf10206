// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { QpvoError } from '../../../src/error.ts';
import { IDENTITY, type Pose } from '../../../src/odometry/Pose.ts';
import { compose, inverse } from '../../../src/odometry/se3.ts';
import { StaticTransforms } from '../../../src/ros/frames/StaticTransforms.ts';
import { assertSamePose, Chance, FORWARD } from './frames-geometry.ts';

const chance = new Chance(3);

/** base_link - mast - head - camera - optical, base_link - imu. */
function robot() {
  const poses = {
    mast: chance.pose(),
    head: chance.pose(),
    camera: chance.pose(),
    optical: chance.pose(),
    imu: chance.pose(),
  };
  const tree = new StaticTransforms();
  // Told in no order: the tree is not connected until the last one.
  tree.add('head', 'camera', poses.camera);
  tree.add('base_link', 'imu', poses.imu);
  tree.add('camera', 'optical', poses.optical);
  tree.add('mast', 'head', poses.head);
  assert.equal(tree.lookup('base_link', 'optical'), undefined);
  tree.add('base_link', 'mast', poses.mast);
  return { tree, poses };
}

function refused(tree: StaticTransforms, frame: string, child: string, pose: Pose, message: RegExp): void {
  assert.throws(
    () => tree.add(frame, child, pose),
    (error) => {
      assert.ok(error instanceof QpvoError && error.code === 'QPVO_CALIBRATION');
      assert.match(error.message, message);
      return true;
    },
  );
}

describe('static transforms', () => {
  it('composes down a chain, up a chain and over the common frame', () => {
    const { tree, poses } = robot();
    const down = [poses.mast, poses.head, poses.camera, poses.optical].reduce((a, b) => compose(a, b));
    assertSamePose(tree.lookup('base_link', 'optical')!, down);
    assertSamePose(tree.lookup('optical', 'base_link')!, inverse(down));
    assertSamePose(tree.lookup('imu', 'optical')!, compose(inverse(poses.imu), down));
    assertSamePose(tree.lookup('optical', 'imu')!, compose(inverse(down), poses.imu));
    assertSamePose(tree.lookup('head', 'optical')!, compose(poses.camera, poses.optical));
  });

  it('gives one transform exactly as it was told', () => {
    const tree = new StaticTransforms();
    const pose: Pose = { t: [0.1, -0.2, 0.3], q: FORWARD };
    tree.add('base_link', 'optical', pose);
    assert.deepEqual(tree.lookup('base_link', 'optical'), pose);
  });

  it('turns half way round in both directions', () => {
    const tree = new StaticTransforms();
    tree.add('base_link', 'rear', { t: [-0.4, 0.1, 0.5], q: [0, 0, 1, 0] });
    tree.add('rear', 'upside_down', { t: [0, 0.2, 0], q: [1, 0, 0, 0] });
    const there = tree.lookup('base_link', 'upside_down')!;
    // rear looks back: its y is right of base_link. Upside down about x after half a turn about z is half a turn about y.
    assertSamePose(there, { t: [-0.4, -0.1, 0.5], q: [0, 1, 0, 0] });
    const back = tree.lookup('upside_down', 'base_link')!;
    assertSamePose(back, inverse(there));
    assertSamePose(back, { t: [-0.4, 0.1, 0.5], q: [0, -1, 0, 0] });
    assertSamePose(compose(there, back), IDENTITY);
  });

  it('a frame is at itself', () => {
    const { tree } = robot();
    assert.deepEqual(tree.lookup('head', 'head'), IDENTITY);
    assert.deepEqual(new StaticTransforms().lookup('anything', 'anything'), IDENTITY);
  });

  it('drops a leading slash and keeps the last word about a child', () => {
    const tree = new StaticTransforms();
    tree.add('/base_link', '/camera', { t: [1, 0, 0], q: [0, 0, 0, 1] });
    assert.deepEqual(tree.lookup('base_link', '/camera')!.t, [1, 0, 0]);
    tree.add('base_link', 'camera', { t: [2, 0, 0], q: [0, 0, 0, 1] });
    assert.deepEqual(tree.lookup('base_link', 'camera')!.t, [2, 0, 0]);
    tree.add('arm', 'camera', { t: [3, 0, 0], q: [0, 0, 0, 1] });
    assert.equal(tree.lookup('base_link', 'camera'), undefined);
    assert.deepEqual(tree.lookup('arm', 'camera')!.t, [3, 0, 0]);
  });

  it('does not keep the arrays of the caller', () => {
    const tree = new StaticTransforms();
    const pose: Pose = { t: [1, 0, 0], q: [0, 0, 0, 1] };
    tree.add('a', 'b', pose);
    pose.t[0] = 9;
    assert.deepEqual(tree.lookup('a', 'b')!.t, [1, 0, 0]);
  });

  it('normalises a quaternion of four digits and refuses worse ones', () => {
    const tree = new StaticTransforms();
    tree.add('a', 'b', { t: [0, 0, 0], q: [0, 0, 0.7074, 0.7074] });
    assert.ok(Math.abs(Math.hypot(...tree.lookup('a', 'b')!.q) - 1) < 1e-15);
    for (const q of [
      [0, 0, 0, 0],
      [0, 0, 0, 1.01],
      [0, 0, 0.7, 0.7],
      [0, 0, 0, -0.9],
    ] as Pose['q'][]) {
      refused(tree, 'a', 'c', { t: [0, 0, 0], q }, /from "a" to "c".*length 1.*rotation \[.*0 0 0 1/);
    }
    assert.equal(tree.lookup('a', 'c'), undefined);
  });

  it('refuses numbers that are none, in every place', () => {
    for (const bad of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
      for (let i = 0; i < 7; i++) {
        const v = [0, 0, 0, 0, 0, 0, 1].map((x, k) => (k === i ? bad : x));
        const pose: Pose = { t: v.slice(0, 3) as Pose['t'], q: v.slice(3) as Pose['q'] };
        refused(new StaticTransforms(), 'a', 'b', pose, /finite/);
      }
    }
  });

  it('refuses names that are none', () => {
    refused(new StaticTransforms(), '', 'b', IDENTITY, /empty name/);
    refused(new StaticTransforms(), 'a', '/', IDENTITY, /empty name/);
  });

  it('refuses a loop and stays usable', () => {
    const { tree } = robot();
    const before = tree.lookup('base_link', 'optical');
    refused(tree, 'a', 'a', IDENTITY, /a -> a/);
    refused(
      tree,
      'optical',
      'base_link',
      IDENTITY,
      /base_link -> mast -> head -> camera -> optical -> base_link.*one direction/,
    );
    refused(tree, 'optical', 'mast', IDENTITY, /tree/);
    assert.deepEqual(tree.lookup('base_link', 'optical'), before);
  });

  it('says what is known and what is missing', () => {
    assert.match(new StaticTransforms().describe('base_link', 'optical'), /no static transform/);
    const { tree } = robot();
    assert.equal(tree.describe('imu', 'head'), 'connected: "imu" - "base_link" - "mast" - "head"');
    assert.equal(
      tree.describe('base_link', 'cam0'),
      '"cam0" is in no transform; known are "base_link", "camera", "head", "imu", "mast", "optical"',
    );
    assert.match(tree.describe('base', 'cam0'), /^"base" and "cam0" are in no transform/);
    tree.add('rig', 'cam0', IDENTITY);
    assert.equal(
      tree.describe('mast', 'cam0'),
      '"mast" hangs below "base_link", "cam0" hangs below "rig", and nothing connects these two trees',
    );
    assert.match(tree.describe('base_link', 'rig'), /"base_link" is a root, "rig" is a root/);
    for (let i = 0; i < 20; i++) tree.add('rig', `sensor_${i}`, IDENTITY);
    assert.match(tree.describe('base_link', 'nowhere'), / and 16 more$/);
  });
});
