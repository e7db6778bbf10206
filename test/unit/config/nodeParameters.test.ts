// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { changeNode } from '../../../src/config/changeNode.ts';
import {
  defaultNodeParameters,
  LIVE_PARAMETERS,
  NODE_PARAMETER_NAMES,
  NODE_PARAMETERS,
  QOS_PROFILES,
} from '../../../src/config/nodeParameters.ts';
import type { ParameterSpec } from '../../../src/config/parameterSpec.ts';
import { PARAMETER_NAMES } from '../../../src/config/parameters.ts';
import type { Machine } from '../../../src/config/profileObstacle.ts';
import { odometryParameterName, rosNameOf } from '../../../src/config/rosNames.ts';
import { readOverrides, settleNode, startDeclarations } from '../../../src/config/settleNode.ts';

const TWO_CORES: Machine = {
  cores: 2,
  int8Pays: true,
  support: [
    { device: 'cpu', runtime: 'onnxruntime', precisions: { encoder: ['fp32', 'int8'], update: ['fp32', 'int8'] } },
    { device: 'cpu', runtime: 'native', precisions: { encoder: ['fp32', 'int8'], update: ['fp32', 'int8'] } },
  ],
  gpu: () => ({
    obstacle: 'no NVIDIA driver is loaded',
    name: '',
    integrated: false,
    support: [],
    tensorrtObstacle: '',
  }),
};
const settle = (overrides: Record<string, unknown> = {}) => settleNode(new Map(Object.entries(overrides)), TWO_CORES);
const read = (overrides: Record<string, unknown>) => readOverrides(new Map(Object.entries(overrides)));

describe('parameters of the node', () => {
  it('have defaults that are allowed', () => {
    assert.deepEqual(read(Object.fromEntries(Object.entries(defaultNodeParameters()))).values, defaultNodeParameters());
  });

  it('have names as ROS wants them, none of them twice', () => {
    const names = [...NODE_PARAMETER_NAMES, ...PARAMETER_NAMES.map(rosNameOf)];
    for (const name of names) assert.match(name, /^[a-z][a-z0-9]*(_[a-z0-9]+)*$/);
    assert.equal(new Set(names).size, names.length);
  });

  it('those of the odometry have their ROS names both ways', () => {
    for (const name of PARAMETER_NAMES) assert.equal(odometryParameterName(rosNameOf(name)), name);
    assert.equal(rosNameOf('patchesPerFrame'), 'patches_per_frame');
    assert.equal(rosNameOf('keyframeThresholdPx'), 'keyframe_threshold_px');
    assert.equal(rosNameOf('maskTopPx'), 'img_mask_top');
    assert.equal(odometryParameterName('img_mask_right'), 'maskRightPx');
    assert.equal(odometryParameterName('patchesPerFrame'), undefined);
    assert.equal(odometryParameterName('toString'), undefined);
  });

  it('live ones are of the node, and the QoS of sensors is best effort', () => {
    for (const name of LIVE_PARAMETERS) assert.ok(Object.hasOwn(NODE_PARAMETERS, name), name);
    assert.equal(QOS_PROFILES.SENSOR_DATA, 'best_effort');
    assert.equal(QOS_PROFILES.DEFAULT, 'reliable');
  });

  for (const name of NODE_PARAMETER_NAMES) {
    it(`${name} refuses another type`, () => {
      const spec: ParameterSpec = NODE_PARAMETERS[name];
      const wrong: Record<ParameterSpec['kind'], unknown[]> = {
        integer: ['3', 2.5, true, [1], null, Number.NaN],
        number: ['3', false, [1], null, Number.NaN],
        flag: [1, 'true', null],
        choice: [1, 'other', '', null],
        text: [1, true, [], null],
        numbers: [1, '0 0 0 0 0 0', [1, 2], ['a', 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, Number.NaN], null],
      };
      for (const value of wrong[spec.kind]) {
        assert.throws(() => read({ [name]: value }), {
          code: 'QPVO_PARAMETER',
          message: new RegExp(`parameter ${name} from the ROS parameters: expected .*, but received`),
        });
      }
    });
  }

  it('takes whole numbers where numbers are wanted, also as bigint, and names that may not be empty', () => {
    const { values, odometry } = read({ camera_timeout_s: 30, path_max_size: 7n, network_scale: 1 });
    assert.equal(values.camera_timeout_s, 30);
    assert.equal(values.path_max_size, 7);
    assert.deepEqual(odometry, { networkScale: 1 });
    assert.throws(() => read({ base_frame: '' }), { code: 'QPVO_PARAMETER' });
    assert.equal(read({ camera_optical_frame: '' }).values.camera_optical_frame, '');
  });
});

describe('settling the node', () => {
  it('takes auto for the machine and says why', () => {
    const { profile, profileReason, model, odometry, unknown } = settle();
    assert.equal(profile.name, 'cpu_realtime');
    assert.match(profileReason, /2 cores/);
    assert.equal(model, 'small');
    assert.deepEqual([odometry.networkScale, odometry.patchesPerFrame], [1, 32]);
    assert.deepEqual(unknown, []);
  });

  it('lays overrides over the profile, the profile over the model, the model over the defaults', () => {
    const { odometry, profileReason } = settle({ precision: 'cpu_fp32_default', patches_per_frame: 64, seed: 9 });
    assert.equal(profileReason, '');
    assert.deepEqual(
      [odometry.patchesPerFrame, odometry.removalWindow, odometry.seed, odometry.networkScale],
      [64, 22, 9, 1],
    );
  });

  it('declares every parameter once, with the value in force, type, range and text', () => {
    const { declarations } = settle({ scale: 2, precision: 'cpu_fp32_half' });
    assert.equal(declarations.length, NODE_PARAMETER_NAMES.length + PARAMETER_NAMES.length);
    const byName = new Map(declarations.map((each) => [each.name, each]));
    assert.equal(byName.size, declarations.length);
    const scale = byName.get('scale')!;
    assert.deepEqual([scale.value, scale.integer, scale.range, scale.readOnly], [2, false, [0, 1e6], false]);
    assert.match(scale.description, /Metres per unit.* Unit: m per unit\. Allowed: a number from 0 to 1000000\.$/);
    assert.equal(byName.get('network_scale')!.value, 0.5);
    const patches = byName.get('patches_per_frame')!;
    assert.deepEqual([patches.value, patches.integer], [48, true]);
    assert.match(patches.description, /Takes effect at configure\.$/);
    assert.deepEqual(byName.get('base_to_camera')!.value, []);
    assert.equal(byName.get('autostart')!.readOnly, true);
  });

  it('warns of names that nothing here knows, with the nearest one, and leaves ROS its own', () => {
    const { unknown } = settle({
      patch_per_frame: 48,
      my_own: 3,
      use_sim_time: true,
      'qos_overrides./tf.publisher.depth': 5,
    });
    assert.deepEqual(unknown, [
      'unknown parameter "patch_per_frame" is ignored; did you mean patches_per_frame?',
      'unknown parameter "my_own" is ignored',
    ]);
  });

  for (const [name, overrides, code, message] of [
    ['an unknown profile', { precision: 'orin_int4' }, 'QPVO_USAGE', /unknown profile "orin_int4".*orin_int8/],
    [
      'a profile of another machine',
      { precision: 'orin_int8' },
      'QPVO_PROFILE_UNAVAILABLE',
      /orin_int8 cannot run here/,
    ],
    ['an unknown model', { model: 'smal' }, 'QPVO_USAGE', /unknown model "smal".*small/],
    ['a value out of range', { removal_window: 5 }, 'QPVO_PARAMETER', /removal_window.*from 6 to 64.*received 5/],
    [
      'an accelerator for networks of the CPU',
      { dla_core: 0 },
      'QPVO_PARAMETER',
      /parameter dla_core: expected -1, or/,
    ],
    ['values that contradict each other', { optimization_window: 20 }, 'QPVO_PARAMETER', /contradict each other/],
    ['text for a number', { scale: '2' }, 'QPVO_PARAMETER', /scale.*expected a number.*received "2"/],
  ] as const) {
    it(`refuses ${name}`, () => {
      assert.throws(() => settle(overrides), { code, message });
    });
  }

  it('can declare at start although the profile cannot run: configuring tells', () => {
    const overrides = new Map<string, unknown>([
      ['precision', 'orin_int8'],
      ['patches_per_frame', 64],
    ]);
    const { declarations, values } = startDeclarations(overrides, TWO_CORES);
    const value = (name: string) => declarations.find((each) => each.name === name)?.value;
    assert.equal(values.precision, 'orin_int8');
    assert.equal(value('precision'), 'orin_int8');
    assert.equal(value('patches_per_frame'), 64);
    assert.throws(() => startDeclarations(new Map([['patches_per_frame', 'many']]), TWO_CORES), {
      code: 'QPVO_PARAMETER',
    });
  });
});

describe('changing parameters of the node', () => {
  const change = (overrides: Record<string, unknown>, changes: Record<string, unknown>, configured: boolean) =>
    changeNode(new Map(Object.entries(overrides)), new Map(Object.entries(changes)), configured);

  it('any while unconfigured, for the next configure', () => {
    const result = change({ scale: 2 }, { precision: 'cpu_fp32', removal_window: 20 }, false);
    assert.ok('values' in result);
    assert.equal(result.refusal, '');
    assert.equal(result.values.precision, 'cpu_fp32');
    assert.equal(result.values.scale, 2);
    const settled = settleNode(result.overrides, TWO_CORES);
    assert.deepEqual([settled.profile.name, settled.odometry.removalWindow], ['cpu_fp32', 20]);
  });

  it('live ones while configured', () => {
    const result = change({}, { lost_policy: 'silent', path_max_size: 10, scale: 1.5 }, true);
    assert.ok('values' in result);
    assert.deepEqual(
      [result.values.lost_policy, result.values.path_max_size, result.values.scale],
      ['silent', 10, 1.5],
    );
  });

  it('others are refused while configured, as a whole, with advice', () => {
    const one = change({}, { scale: 2, base_frame: 'base' }, true);
    assert.match(one.refusal, /^base_frame cannot change while the node is configured; clean .* set it, and configure/);
    assert.ok(!('values' in one));
    assert.match(change({}, { precision: 'auto', threads: 1 }, true).refusal, /^precision, threads cannot.*set them/);
  });

  it('bad values are refused always', () => {
    assert.match(change({}, { lost_policy: 'vanish' }, true).refusal, /expected hold or .* received "vanish"/);
    assert.match(change({}, { threads: -1 }, false).refusal, /threads.*from 0 to 256/);
  });

  it('a bad value from the start can be set right, and does not keep others from being set', () => {
    const bad = { threads: -1, lost_policy: 'vanish', scale: 3 };
    const other = change(bad, { publish_odom_to_base_tf: false }, false);
    assert.ok('values' in other);
    assert.deepEqual([other.values.scale, other.values.lost_policy], [3, 'hold']);
    assert.throws(() => settleNode(other.overrides, TWO_CORES), { code: 'QPVO_PARAMETER' });
    const right = changeNode(
      other.overrides,
      new Map<string, unknown>([
        ['threads', 2],
        ['lost_policy', 'silent'],
      ]),
      false,
    );
    assert.ok('values' in right);
    assert.equal(settleNode(right.overrides, TWO_CORES).odometry.threads, 2);
  });

  it('parameters that are not of this node pass', () => {
    assert.equal(change({}, { use_sim_time: true }, true).refusal, '');
  });
});
