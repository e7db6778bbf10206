// SPDX-License-Identifier: MIT
// The part of rclnodejs 2.2 that is used. The types of the package itself are complete only after messages were generated on a machine with ROS, and nothing here
// may need the package to be built or tested.

/** An instance of one of its classes that is only passed on. */
export type Opaque = object;

export interface RclParameter {
  readonly name: string;
  /** One of ParameterType. */
  readonly type: number;
  /** Integers are bigint. */
  readonly value: unknown;
}

export interface RclParameterDescriptor {
  readonly type: number;
  readonly readOnly: boolean;
  toMessage(): Record<string, unknown>;
}

export interface SetParametersResult {
  successful: boolean;
  reason: string;
}

export interface RclPublisher {
  /** A Buffer goes out as it is, as a serialised message. */
  publish(message: Buffer): void;
  readonly subscriptionCount: number;
}

/** isRaw: messages come as serialised bytes. */
export interface SubscriptionOptions {
  qos: Opaque;
  isRaw?: true;
}

export type Take = (message: Buffer) => void;
/** Takes the message as an object; a function of another shape than Take, which has one parameter. */
export type TakeObject = (message: never) => void;

export interface RclSubscription {
  readonly publisherCount: number;
}

export interface RclResponse {
  /** The response with its default values. */
  readonly template: Record<string, unknown>;
  send(fields: Record<string, unknown>): void;
}

export interface RclLogger {
  debug(text: string): void;
  info(text: string): void;
  warn(text: string): void;
  error(text: string): void;
}

export interface RclNodeObject {
  getFullyQualifiedName(): string;
  now(): { readonly nanoseconds: bigint };
  getLogger(): RclLogger;
  resolveTopicName(name: string): string;
  createPublisher(type: string, topic: string, options: { qos: Opaque }): RclPublisher;
  createSubscription(
    type: string,
    topic: string,
    options: SubscriptionOptions | TakeObject,
    take?: Take | TakeObject,
  ): RclSubscription;
  createService(
    type: string,
    name: string,
    answer: (request: Record<string, unknown>, response: RclResponse) => void,
  ): Opaque;
  destroyPublisher(publisher: RclPublisher): void;
  destroySubscription(subscription: RclSubscription): void;
  destroyService(service: Opaque): void;
  declareParameters(
    parameters: readonly RclParameter[],
    descriptors: readonly RclParameterDescriptor[],
    ignoreOverrides: boolean,
  ): unknown;
  setParameter(parameter: RclParameter): SetParametersResult;
  setParametersAtomically(parameters: readonly RclParameter[]): SetParametersResult;
  addOnSetParametersCallback(judge: (parameters: readonly RclParameter[]) => SetParametersResult): void;
  spin(timeoutMs?: number): void;
  destroy(): void;
  /** Called by the native part with the handles that are ready. What it throws aborts the process. */
  execute(handles: unknown[]): void;
  /** Tells the native part which handles to wait for. */
  syncHandles(): void;
}

/** Holds what the work of a transition returned: see CallbackReturnCode. */
export interface RclTransitionOutcome {
  isSuccess(): boolean;
}

type Transition = (outcome: RclTransitionOutcome) => unknown;
type RegisterWork = (work: () => number) => void;

/** rcl_interfaces/srv/SetParameters_Request. */
export interface SetParametersRequest {
  parameters: { value: { integer_array_value: ArrayLike<number | bigint> } }[];
}

type HandleSetParameters = (request: SetParametersRequest, response: RclResponse) => void;

export interface RclLifecycleNodeObject extends RclNodeObject {
  readonly currentState: { readonly label: string };
  registerOnConfigure: RegisterWork;
  registerOnActivate: RegisterWork;
  registerOnDeactivate: RegisterWork;
  registerOnCleanup: RegisterWork;
  registerOnShutdown: RegisterWork;
  configure: Transition;
  activate: Transition;
  deactivate: Transition;
  cleanup: Transition;
  shutdown: Transition;
  readonly _parameterService: {
    _handleSetParameters: HandleSetParameters;
    _handleSetParametersAtomically: HandleSetParameters;
  };
  /** Answers the service change_state; throws when the state has no such transition. */
  _onChangeState(request: unknown, response: RclResponse): void;
}

type NodeClass<T> = new (name: string, namespace?: string) => T;

export interface Rclnodejs {
  /** @param context undefined: the default one */
  init(context: undefined, argv: readonly string[]): Promise<void>;
  shutdown(): void;
  removeSignalHandlers(): void;
  /** The class of a message or service type; throws when it was not generated. */
  require(type: string): unknown;
  readonly Node: NodeClass<RclNodeObject>;
  readonly lifecycle: {
    readonly LifecycleNode: NodeClass<RclLifecycleNodeObject>;
    readonly CallbackReturnCode: { readonly SUCCESS: number; readonly FAILURE: number };
    readonly CallbackReturnValue: new () => RclTransitionOutcome;
  };
  readonly QoS: new (history: number, depth: number, reliability: number, durability: number) => Opaque;
  readonly Parameter: new (name: string, type: number, value: unknown) => RclParameter;
  readonly ParameterDescriptor: new (
    name: string,
    type: number,
    description: string,
    readOnly: boolean,
    range: Opaque | null,
  ) => RclParameterDescriptor;
  readonly FloatingPointRange: new (from: number, to: number, step: number) => Opaque;
  readonly IntegerRange: new (from: bigint, to: bigint, step: bigint) => Opaque;
}

/** rcl_interfaces/msg/ParameterType. */
export const PARAMETER_TYPE = {
  notSet: 0,
  bool: 1,
  integer: 2,
  double: 3,
  string: 4,
  byteArray: 5,
  boolArray: 6,
  integerArray: 7,
  doubleArray: 8,
  stringArray: 9,
} as const;
