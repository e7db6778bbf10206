// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import type { LifecycleWork, RosParameter, RosParameterValue } from '../../../../src/ros/RosNode.ts';
import { RclNode } from '../../../../src/ros/rclnodejs/RclNode.ts';
import { PARAMETER_TYPE } from '../../../../src/ros/rclnodejs/rclnodejsTypes.ts';
import { FakeLifecycleNode, type FakeQoS, fakeRclnodejs } from './FakeRclnodejs.ts';

const parameter = (name: string, value: RosParameterValue, more: Partial<RosParameter> = {}): RosParameter => ({
  name,
  value,
  integer: false,
  description: `about ${name}`,
  range: undefined,
  readOnly: false,
  ...more,
});

const PARAMETERS = [
  parameter('scale', 1.5, { range: [0, 100] }),
  parameter('path_max_size', 1024, { integer: true, range: [0, Number.POSITIVE_INFINITY] }),
  parameter('lost_policy', 'hold'),
  parameter('autostart', true, { readOnly: true }),
  parameter('base_to_camera', []),
];

const DONE: LifecycleWork = {
  onConfigure: () => true,
  onActivate: () => true,
  onDeactivate: () => true,
  onCleanup: () => true,
  onShutdown: () => true,
};

function lifecycleNode(overrides: Record<string, RosParameterValue> = {}) {
  const inner = new FakeLifecycleNode('qpvo');
  const rcl = fakeRclnodejs();
  const node = new RclNode(rcl, inner as never, new Map(Object.entries(overrides)));
  /** As `ros2 param set`. */
  const set = (name: string, type: number, value: unknown) => inner.setParameter(new rcl.Parameter(name, type, value));
  return { inner, rcl, node, set };
}

describe('lifecycle node over rclnodejs', () => {
  it('goes through its states by the work that is done', () => {
    const { node } = lifecycleNode();
    const done: string[] = [];
    const note = (name: string) => () => {
      done.push(`${name} in ${node.state}`);
      return true;
    };
    node.manage({
      onConfigure: note('configure'),
      onActivate: note('activate'),
      onDeactivate: note('deactivate'),
      onCleanup: note('cleanup'),
      onShutdown: note('shutdown'),
    });
    const steps = ['configure', 'activate', 'deactivate', 'cleanup', 'shutdown'] as const;
    const states = steps.map((step) => [node.transition(step), node.state]);
    assert.deepEqual(states, [
      [true, 'inactive'],
      [true, 'active'],
      [true, 'inactive'],
      [true, 'unconfigured'],
      [true, 'finalized'],
    ]);
    assert.deepEqual(
      done,
      steps.map((step) => `${step} in changing`),
    );
  });

  it('work that fails or throws leaves the node where it was', () => {
    const { node, inner } = lifecycleNode();
    node.manage({
      ...DONE,
      onConfigure: () => false,
      onShutdown: () => {
        throw new Error('defect');
      },
    });
    assert.deepEqual([node.transition('configure'), node.state], [false, 'unconfigured']);
    assert.equal(node.transition('shutdown'), false);
    assert.match(inner.logs[0]!, /internal error at onShutdown: Error: defect/);
  });

  it('a transition that does not fit the state is refused, also over the service', () => {
    const { node, inner } = lifecycleNode();
    node.manage(DONE);
    assert.equal(node.transition('activate'), false);
    const answers: unknown[] = [];
    const call = (label: string) =>
      inner._onChangeState({ label } as never, { template: {}, send: (fields) => answers.push(fields) });
    call('activate');
    call('configure');
    assert.deepEqual(answers, [{ success: false }, { success: true }]);
    assert.match(inner.logs.join('\n'), /cannot activate in the state unconfigured.*\n.*no such transition/);
  });

  it('is finalized once destroyed', () => {
    const { node } = lifecycleNode();
    node.destroy();
    assert.equal(node.state, 'finalized');
    assert.equal(node.transition('configure'), false);
  });

  it('use_sim_time among the overrides takes effect at once, and is refused as another type', () => {
    assert.equal(lifecycleNode({ use_sim_time: true }).inner.parameters.get('use_sim_time')?.value, true);
    assert.equal(lifecycleNode({ use_sim_time: 'yes' }).inner.parameters.get('use_sim_time')?.value, false);
    const { node } = lifecycleNode({ scale: 2 });
    assert.deepEqual([...node.overrides], [['scale', 2]]);
  });
});

describe('simulated time over rclnodejs', () => {
  it('hears a /clock of either reliability, also when it is switched on later', () => {
    const { inner, set, node } = lifecycleNode();
    assert.equal(set('use_sim_time', PARAMETER_TYPE.bool, true).successful, true);
    const { topic, options, take } = inner.subscriptions[0]!;
    assert.deepEqual([topic, (options.qos as FakeQoS).values, typeof take], ['/clock', [1, 1, 2, 2], 'function']);
    node.subscribe(
      'rosgraph_msgs/msg/Clock',
      '/clock',
      { reliability: 'reliable', durability: 'volatile', depth: 3 },
      () => undefined,
    );
    const own = inner.subscriptions[1]!.options;
    assert.deepEqual([(own.qos as FakeQoS).values, own.isRaw], [[1, 3, 1, 2], true]);
  });
});

describe('parameters over rclnodejs', () => {
  it('are declared with type, description and range', () => {
    const { node, inner } = lifecycleNode();
    node.declare(PARAMETERS, () => '');
    const told = PARAMETERS.map(({ name }) => inner.descriptors.get(name)!.toMessage());
    assert.deepEqual(told[0], {
      name: 'scale',
      type: PARAMETER_TYPE.double,
      description: 'about scale',
      read_only: false,
      floating_point_range: [{ from_value: 0, to_value: 100, step: 0 }],
    });
    assert.deepEqual(told[1]!.integer_range, [{ from_value: 0n, to_value: 2n ** 63n - 1n, step: 1n }]);
    assert.deepEqual([told[2]!.type, told[3]!.read_only, told[4]!.type], [4, true, PARAMETER_TYPE.doubleArray]);
    assert.equal(inner.parameters.get('path_max_size')!.value, 1024n);
    assert.throws(() => node.declare(PARAMETERS, () => ''), /already declared/);
  });

  it('changes reach the listener as plain values, whole numbers and integer lists as numbers', () => {
    const { node, set } = lifecycleNode();
    const heard: [string, RosParameterValue][] = [];
    node.declare(PARAMETERS, (changes) => {
      heard.push(...changes);
      return '';
    });
    const accepted = [
      set('scale', PARAMETER_TYPE.double, 2.5),
      set('scale', PARAMETER_TYPE.integer, 3n),
      set('path_max_size', PARAMETER_TYPE.integer, 10n),
      set('lost_policy', PARAMETER_TYPE.string, 'silent'),
      set('base_to_camera', PARAMETER_TYPE.integerArray, [0n, 1n]),
      set('base_to_camera', PARAMETER_TYPE.integerArray, []),
      set('use_sim_time', PARAMETER_TYPE.bool, true),
    ];
    assert.ok(accepted.every(({ successful }) => successful));
    assert.deepEqual(heard, [
      ['scale', 2.5],
      ['scale', 3],
      ['path_max_size', 10],
      ['lost_policy', 'silent'],
      ['base_to_camera', [0, 1]],
      ['base_to_camera', []],
    ]);
  });

  it('lists of integers, which rclnodejs reads as numbers, are taken', () => {
    const { node, inner } = lifecycleNode();
    node.declare(PARAMETERS, () => '');
    const answers: unknown[] = [];
    const response = { template: {}, send: (fields: object) => answers.push(fields) };
    const value = (integer_array_value: unknown) => ({ type: PARAMETER_TYPE.integerArray, integer_array_value });
    const service = inner._parameterService;
    service._handleSetParameters({ parameters: [{ name: 'base_to_camera', value: value([1, 2]) }] }, response);
    service._handleSetParametersAtomically({ parameters: [{ name: 'base_to_camera', value: value([3]) }] }, response);
    const accepted = { successful: true, reason: '' };
    assert.deepEqual(answers, [{ results: [accepted] }, { result: accepted }]);
    assert.deepEqual(inner.parameters.get('base_to_camera')!.value, [3]);
  });

  it('refusals say why', () => {
    const { node, inner, set } = lifecycleNode();
    node.declare(PARAMETERS, (changes) => (changes.get('lost_policy') === 'odd' ? 'not a policy' : ''));
    const { double, integer, string, bool, notSet } = PARAMETER_TYPE;
    const reasons = [
      set('scael', double, 1),
      set('scale', string, '2'),
      set('path_max_size', double, 7.5),
      set('scale', double, 101),
      set('scale', double, Number.NaN),
      set('path_max_size', integer, -1n),
      set('autostart', bool, false),
      set('scale', notSet, undefined),
      set('lost_policy', string, 'odd'),
    ].map(({ successful, reason }) => (successful ? 'accepted' : reason));
    assert.deepEqual(reasons, [
      'there is no parameter scael; did you mean scale?',
      'scale is a number, not a text',
      'path_max_size is an integer, not a number',
      'scale must be in 0 to 100, not 101',
      'scale must be in 0 to 100, not NaN',
      'path_max_size must be in 0 to Infinity, not -1',
      'autostart cannot change while the node runs: set it at the start',
      'scale cannot be removed',
      'not a policy',
    ]);
    assert.equal(inner.parameters.get('scale')!.value, 1.5);
  });

  it('a listener that throws refuses the change', () => {
    const { node, set } = lifecycleNode();
    node.declare(PARAMETERS, () => {
      throw new Error('defect');
    });
    assert.deepEqual(set('scale', PARAMETER_TYPE.double, 2), {
      successful: false,
      reason: 'internal error, see the log',
    });
  });
});
