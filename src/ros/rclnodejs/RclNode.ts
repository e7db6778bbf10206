// SPDX-License-Identifier: MIT
import { messageOf } from '../../error.ts';
import type {
  LifecycleState,
  LifecycleTransition,
  LifecycleWork,
  ParameterListener,
  RosNode,
  RosParameter,
  RosParameterValue,
} from '../RosNode.ts';
import { fitted, refusalOf, rosValueOf, toDescriptor, toRclParameter } from './parameterValues.ts';
import { RclEndpoints } from './RclEndpoints.ts';
import type { RclLifecycleNodeObject, Rclnodejs, RclParameter, SetParametersResult } from './rclnodejsTypes.ts';

/** Primary states (lifecycle_msgs/msg/State) by their labels. */
const STATES: ReadonlySet<string> = new Set(['unconfigured', 'inactive', 'active', 'finalized']);

const ACCEPTED: SetParametersResult = { successful: true, reason: '' };
const refused = (reason: string): SetParametersResult => ({ successful: false, reason });

/** A lifecycle node of rclnodejs 2.2 as a RosNode. */
export class RclNode extends RclEndpoints implements RosNode {
  readonly overrides: ReadonlyMap<string, RosParameterValue>;
  readonly #node: RclLifecycleNodeObject;
  readonly #declared = new Map<string, RosParameter>();
  #isShowing = false;

  /** @param overrides parameters set before the node was made; use_sim_time takes effect at once */
  constructor(rcl: Rclnodejs, node: RclLifecycleNodeObject, overrides: ReadonlyMap<string, RosParameterValue>) {
    super(rcl, node);
    this.#node = node;
    this.overrides = overrides;
    this.#answerImpossibleTransitions();
    this.#takeIntegerLists();
    this.#hearEveryClock();
    this.#useSimulatedTime();
  }

  get state(): LifecycleState {
    if (this.isDestroyed) return 'finalized';
    const { label } = this.#node.currentState;
    return STATES.has(label) ? (label as LifecycleState) : 'changing';
  }

  /** @throws Error when it is called a second time */
  declare(parameters: readonly RosParameter[], listener: ParameterListener): void {
    this.node.declareParameters(
      parameters.map((parameter) => toRclParameter(this.rcl, parameter)),
      parameters.map((parameter) => toDescriptor(this.rcl, parameter)),
      true,
    );
    for (const parameter of parameters) this.#declared.set(parameter.name, parameter);
    this.#judgeChanges();
    this.node.addOnSetParametersCallback((changes) => {
      const own = changes.filter(({ name }) => this.#declared.has(name));
      if (own.length === 0 || this.#isShowing) return ACCEPTED;
      const values = new Map(own.map((change) => [change.name, rosValueOf(change)]));
      const reason = this.guarded('a change of parameters', () => listener(values), 'internal error, see the log');
      return reason === '' ? ACCEPTED : refused(reason);
    });
  }

  show(values: ReadonlyMap<string, RosParameterValue>): void {
    const parameters = [...values].flatMap(([name, value]) => {
      const declared = this.#declared.get(name);
      return declared === undefined ? [] : [toRclParameter(this.rcl, { ...declared, value })];
    });
    this.#isShowing = true;
    try {
      const { successful, reason } = this.node.setParametersAtomically(parameters);
      if (!successful) this.log('warn', `parameters cannot be shown: ${reason}`);
    } finally {
      this.#isShowing = false;
    }
  }

  manage(work: LifecycleWork): void {
    const { SUCCESS, FAILURE } = this.rcl.lifecycle.CallbackReturnCode;
    const code = (name: keyof LifecycleWork) => () =>
      this.guarded(name, () => work[name](), false) ? SUCCESS : FAILURE;
    this.#node.registerOnConfigure(code('onConfigure'));
    this.#node.registerOnActivate(code('onActivate'));
    this.#node.registerOnDeactivate(code('onDeactivate'));
    this.#node.registerOnCleanup(code('onCleanup'));
    this.#node.registerOnShutdown(code('onShutdown'));
  }

  transition(name: LifecycleTransition): boolean {
    if (this.isDestroyed) return false;
    const outcome = new this.rcl.lifecycle.CallbackReturnValue();
    try {
      this.#node[name](outcome);
      return outcome.isSuccess();
    } catch (error) {
      this.log('warn', `cannot ${name} in the state ${this.state}: ${messageOf(error)}`);
      return false;
    }
  }

  /** rclnodejs throws at a call of change_state that does not fit the state, and the caller would never hear of it. */
  #answerImpossibleTransitions(): void {
    const change = this.#node._onChangeState.bind(this.#node);
    this.#node._onChangeState = (request, response) => {
      try {
        change(request, response);
      } catch (error) {
        this.log('warn', `no such transition from the state ${this.state}: ${messageOf(error)}`);
        response.send({ success: false });
      }
    };
  }

  /** `ros2 param set /qpvo base_to_camera "[1, 2]"`: rclnodejs 2.2.0 reads such a list as numbers, and then throws because they are no bigints. */
  #takeIntegerLists(): void {
    const service = this.#node._parameterService;
    for (const name of ['_handleSetParameters', '_handleSetParametersAtomically'] as const) {
      const handle = service[name].bind(service);
      service[name] = (request, response) => {
        for (const { value } of request.parameters) {
          value.integer_array_value = Array.from(value.integer_array_value, (item) => BigInt(item));
        }
        handle(request, response);
      };
    }
  }

  /** rclnodejs asks for a reliable /clock, but players and simulators publish it with best effort (rclcpp::ClockQoS), and would not be heard. */
  #hearEveryClock(): void {
    const { node } = this;
    const subscribe = node.createSubscription.bind(node);
    const qos = this.qosOf({ reliability: 'best_effort', durability: 'volatile', depth: 1 });
    // Its own calls give no options: the callback stands in their place.
    node.createSubscription = (type, topic, options, take) =>
      topic === '/clock' && typeof options === 'function'
        ? subscribe(type, topic, { qos }, options)
        : subscribe(type, topic, options, take);
  }

  #useSimulatedTime(): void {
    const value = this.overrides.get('use_sim_time');
    if (typeof value !== 'boolean') return;
    const { successful, reason } = this.node.setParameter(
      toRclParameter(this.rcl, { name: 'use_sim_time', value, integer: false }),
    );
    if (!successful) this.log('error', `cannot set use_sim_time: ${reason}`);
  }

  /** Before rclnodejs judges, whose refusals give no reason and which takes no whole number for a number. */
  #judgeChanges(): void {
    const change = this.node.setParametersAtomically.bind(this.node);
    this.node.setParametersAtomically = (parameters) => {
      const fit = parameters.map((parameter) => this.#fitted(parameter));
      const reason = fit.map((parameter) => this.#refusal(parameter)).find((text) => text !== '');
      return reason === undefined ? change(fit) : refused(reason);
    };
  }

  #fitted(parameter: RclParameter): RclParameter {
    const declared = this.#declared.get(parameter.name);
    return declared === undefined ? parameter : fitted(this.rcl, parameter, declared);
  }

  /** use_sim_time is a parameter of rclnodejs. */
  #refusal(parameter: RclParameter): string {
    return parameter.name === 'use_sim_time' ? '' : refusalOf(parameter, this.#declared);
  }
}
