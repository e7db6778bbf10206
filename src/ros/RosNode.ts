// SPDX-License-Identifier: MIT
// What the odometry node needs of ROS 2, and nothing more: bytes, bigint stamps and plain objects. rclnodejs stands behind it on a robot, an in-process graph in tests.

export interface RosQos {
  reliability: 'reliable' | 'best_effort';
  durability: 'volatile' | 'transient_local';
  /** Keep last; 1 or more. */
  depth: number;
}

export interface RosPublisher {
  /** Sends a message, serialised as CDR with its encapsulation header. The bytes may be reused after the call. */
  publish(cdr: Uint8Array): void;
  readonly subscribers: number;
  close(): void;
}

export interface RosSubscription {
  /** Publishers of the topic that the graph knows of. */
  readonly publishers: number;
  close(): void;
}

/** A request or a response: fields by their ROS names; 64-bit integers are bigint, nested messages are objects. */
export type ServiceFields = Record<string, unknown>;

export type RosParameterValue = boolean | number | string | readonly number[];

/** A parameter as it is declared: its type is that of the value, an integer when `integer` is set. */
export interface RosParameter {
  name: string;
  value: RosParameterValue;
  integer: boolean;
  /** For people: text, unit, allowed values. */
  description: string;
  range: readonly [number, number] | undefined;
  readOnly: boolean;
}

/**
 * Judges a change of parameters as a whole before it takes effect.
 * @returns empty to accept (and the change has taken effect in the node), else the reason why it is refused
 */
export type ParameterListener = (changes: ReadonlyMap<string, RosParameterValue>) => string;

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

export type LifecycleTransition = 'configure' | 'activate' | 'deactivate' | 'cleanup' | 'shutdown';

export type LifecycleState = 'unconfigured' | 'inactive' | 'active' | 'finalized' | 'changing';

/** The work of the transitions; synchronous, as rclnodejs has it. */
export interface LifecycleWork {
  /** @returns false: the transition failed and the node stays where it was; the reason is logged by the work itself. */
  onConfigure(): boolean;
  onActivate(): boolean;
  onDeactivate(): boolean;
  onCleanup(): boolean;
  onShutdown(): boolean;
}

/**
 * A lifecycle node (REP-2000 managed node; design.ros2.org/articles/node_lifecycle.html). Topic and service names may be relative, private (`~/x`) or absolute; remapping is
 * done behind this interface. No callback may throw: implementations guard them as well, because a throw inside rclnodejs aborts the process.
 */
export interface RosNode {
  /** With the namespace: "/front/qpvo". */
  readonly fullName: string;
  /** Time of the node's clock (simulated when use_sim_time is set), nanoseconds. */
  nowNs(): bigint;
  /** The absolute name after remapping. */
  resolveTopic(name: string): string;
  /** Whether messages or services of this type can be used here ("qpvo/msg/OdometryStatus" was generated). */
  hasType(type: string): boolean;
  advertise(type: string, topic: string, qos: RosQos): RosPublisher;
  /** The bytes belong to the callback: nobody changes them afterwards. */
  subscribe(type: string, topic: string, qos: RosQos, take: (cdr: Uint8Array) => void): RosSubscription;
  serve(
    type: string,
    name: string,
    answer: (request: ServiceFields) => ServiceFields | Promise<ServiceFields>,
  ): { close(): void };
  /** Values set for this node before it was made: parameter files (also those of namespaced nodes), command line, launch. */
  readonly overrides: ReadonlyMap<string, RosParameterValue>;
  /** Declares all parameters with the values they have; `listener` hears every later change. To be called once. */
  declare(parameters: readonly RosParameter[], listener: ParameterListener): void;
  /** Shows other values of declared parameters, which the node has settled itself; the listener does not hear of them. */
  show(values: ReadonlyMap<string, RosParameterValue>): void;
  manage(work: LifecycleWork): void;
  readonly state: LifecycleState;
  /** Asks for a transition as a service call would. Returns whether it succeeded. */
  transition(name: LifecycleTransition): boolean;
  log(level: LogLevel, text: string): void;
  /** Ends everything of this node. */
  destroy(): void;
}
