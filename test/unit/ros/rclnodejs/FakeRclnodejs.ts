// SPDX-License-Identifier: MIT
// rclnodejs as its sources behave (2.2.0), without ROS: what it throws, what it ignores, which of its own methods call which.
import type {
  Opaque,
  Rclnodejs,
  RclParameter,
  RclParameterDescriptor,
  RclPublisher,
  RclResponse,
  RclSubscription,
  SetParametersResult,
  SubscriptionOptions,
  Take,
  TakeObject,
} from '../../../../src/ros/rclnodejs/rclnodejsTypes.ts';

const SUCCESS = 97;
const FAILURE = 98;

class FakeParameter implements RclParameter {
  readonly name: string;
  readonly type: number;
  readonly value: unknown;

  constructor(name: string, type: number, value: unknown) {
    this.name = name;
    this.type = type;
    this.value = type === 2 ? BigInt(value as number) : value;
    const items = Array.isArray(this.value) ? this.value : [this.value];
    const wanted = { 0: 'undefined', 1: 'boolean', 2: 'bigint', 3: 'number', 4: 'string', 7: 'bigint', 8: 'number' }[
      type
    ];
    if (items.some((item) => typeof item !== wanted)) throw new Error(`bad value of ${name}`);
  }
}

class FakeDescriptor implements RclParameterDescriptor {
  readonly name: string;
  readonly type: number;
  readonly description: string;
  readonly readOnly: boolean;

  constructor(name: string, type: number, description: string, readOnly: boolean) {
    this.name = name;
    this.type = type;
    this.description = description;
    this.readOnly = readOnly;
  }

  toMessage(): Record<string, unknown> {
    return { name: this.name, type: this.type, description: this.description, read_only: this.readOnly };
  }
}

export class FakeQoS {
  readonly values: readonly number[];

  constructor(history: number, depth: number, reliability: number, durability: number) {
    this.values = [history, depth, reliability, durability];
  }
}

export interface FakePublisher extends RclPublisher {
  type: string;
  topic: string;
  qos: FakeQoS;
  sent: Buffer[];
  isDestroyed: boolean;
  fault: Error | undefined;
}

export interface FakeSubscription extends RclSubscription {
  type: string;
  topic: string;
  options: SubscriptionOptions;
  take: Take;
  isDestroyed: boolean;
}

export interface FakeService {
  type: string;
  name: string;
  answer: (request: Record<string, unknown>, response: RclResponse) => void;
  isDestroyed: boolean;
}

type Judge = (parameters: readonly RclParameter[]) => SetParametersResult;

export class FakeNode {
  readonly publishers: FakePublisher[] = [];
  readonly subscriptions: FakeSubscription[] = [];
  readonly services: FakeService[] = [];
  readonly parameters = new Map<string, RclParameter>([['use_sim_time', new FakeParameter('use_sim_time', 1, false)]]);
  readonly descriptors = new Map<string, RclParameterDescriptor>([
    ['use_sim_time', new FakeDescriptor('use_sim_time', 1, '', false)],
  ]);
  readonly logs: string[] = [];
  readonly #judges: Judge[] = [];
  readonly #fullName: string;
  syncs = 0;
  spinning = false;
  destroyed = 0;
  /** What the next turn does instead of its work. */
  onExecute: (handles: unknown[]) => void = () => undefined;

  constructor(name: string, namespace = '') {
    this.#fullName = `${namespace === '' ? '' : `/${namespace}`}/${name}`;
  }

  getFullyQualifiedName(): string {
    return this.#fullName;
  }

  now(): { nanoseconds: bigint } {
    return { nanoseconds: 12_345_678_901n };
  }

  getLogger() {
    const at = (level: string) => (text: string) => void this.logs.push(`${level}: ${text}`);
    return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
  }

  resolveTopicName(name: string): string {
    if (name.includes(' ')) throw new Error('topic name is invalid');
    return name.startsWith('~/') ? `${this.#fullName}/${name.slice(2)}` : `/${name}`;
  }

  createPublisher(type: string, topic: string, options: { qos: Opaque }): FakePublisher {
    if (topic.includes(' ')) throw new Error('topic name is invalid');
    const made: FakePublisher = {
      type,
      topic,
      qos: options.qos as FakeQoS,
      sent: [],
      isDestroyed: false,
      fault: undefined,
      subscriptionCount: 2,
      publish(message) {
        if (!(message instanceof Buffer)) throw new Error('would be taken for an object');
        if (this.isDestroyed) throw new Error('publisher is invalid');
        if (this.fault !== undefined) throw this.fault;
        this.sent.push(Buffer.from(message));
      },
    };
    this.publishers.push(made);
    return made;
  }

  createSubscription(
    type: string,
    topic: string,
    options: SubscriptionOptions | TakeObject,
    take?: Take | TakeObject,
  ): FakeSubscription {
    const made = {
      type,
      topic,
      options: typeof options === 'function' ? { qos: 'default' as unknown as Opaque } : options,
      take: (typeof options === 'function' ? options : take) as Take,
      isDestroyed: false,
      publisherCount: 3,
    };
    this.subscriptions.push(made);
    this.syncHandles();
    return made;
  }

  createService(type: string, name: string, answer: FakeService['answer']): FakeService {
    const made = { type, name, answer, isDestroyed: false };
    this.services.push(made);
    this.syncHandles();
    return made;
  }

  destroyPublisher(made: FakePublisher): void {
    made.isDestroyed = true;
  }

  destroySubscription(made: FakeSubscription): void {
    this.syncHandles();
    made.isDestroyed = true;
  }

  destroyService(made: FakeService): void {
    this.syncHandles();
    made.isDestroyed = true;
  }

  declareParameters(
    parameters: readonly RclParameter[],
    descriptors: readonly RclParameterDescriptor[],
    ignoreOverrides: boolean,
  ): void {
    if (!ignoreOverrides) throw new Error('overrides are read by the program');
    for (const [i, parameter] of parameters.entries()) {
      if (this.parameters.has(parameter.name)) throw new Error(`Parameter(${parameter.name}) already declared.`);
      this.descriptors.set(parameter.name, descriptors[i]!);
      this.parameters.set(parameter.name, parameter);
    }
  }

  setParameter(parameter: RclParameter): SetParametersResult {
    return this.setParametersAtomically([parameter]);
  }

  setParametersAtomically(parameters: readonly RclParameter[]): SetParametersResult {
    for (const { name, type } of parameters) {
      if (this.descriptors.get(name)?.type !== type) {
        return { successful: false, reason: `Parameter ${name} does not  readonly` };
      }
    }
    for (const judge of this.#judges) {
      const result = judge(parameters);
      if (!result.successful) return result;
    }
    for (const parameter of parameters) this.parameters.set(parameter.name, parameter);
    if (
      this.parameters.get('use_sim_time')?.value === true &&
      this.subscriptions.every(({ topic }) => topic !== '/clock')
    ) {
      this.createSubscription('rosgraph_msgs/msg/Clock', '/clock', () => undefined);
    }
    return { successful: true, reason: '' };
  }

  addOnSetParametersCallback(judge: Judge): void {
    this.#judges.unshift(judge);
  }

  spin(): void {
    this.spinning = true;
  }

  destroy(): void {
    this.destroyed++;
  }

  execute(handles: unknown[]): void {
    this.onExecute(handles);
  }

  syncHandles(): void {
    this.syncs++;
  }
}

// A method of native code.
Object.defineProperty(FakeNode.prototype, 'syncHandles', { writable: false });

class FakeOutcome {
  value = SUCCESS;

  isSuccess(): boolean {
    return this.value === SUCCESS;
  }
}

type Work = () => number;

type SetRequest = { parameters: { name: string; value: { type: number; integer_array_value: unknown } }[] };

export class FakeLifecycleNode extends FakeNode {
  /** Knows lists of integers alone. */
  readonly _parameterService = {
    _handleSetParameters: ({ parameters }: SetRequest, response: RclResponse): void => {
      const made = parameters.map(({ name, value }) => new FakeParameter(name, value.type, value.integer_array_value));
      response.send({ results: made.map((parameter) => this.setParameter(parameter)) });
    },
    _handleSetParametersAtomically: ({ parameters }: SetRequest, response: RclResponse): void => {
      const made = parameters.map(({ name, value }) => new FakeParameter(name, value.type, value.integer_array_value));
      response.send({ result: this.setParametersAtomically(made) });
    },
  };
  currentState = { label: 'unconfigured' };
  readonly #works = new Map<string, Work>();
  readonly registerOnConfigure = (work: Work): unknown => this.#works.set('configure', work);
  readonly registerOnActivate = (work: Work): unknown => this.#works.set('activate', work);
  readonly registerOnDeactivate = (work: Work): unknown => this.#works.set('deactivate', work);
  readonly registerOnCleanup = (work: Work): unknown => this.#works.set('cleanup', work);
  readonly registerOnShutdown = (work: Work): unknown => this.#works.set('shutdown', work);
  readonly configure = (outcome: FakeOutcome): void => this.#go('configure', 'unconfigured', 'inactive', outcome);
  readonly activate = (outcome: FakeOutcome): void => this.#go('activate', 'inactive', 'active', outcome);
  readonly deactivate = (outcome: FakeOutcome): void => this.#go('deactivate', 'active', 'inactive', outcome);
  readonly cleanup = (outcome: FakeOutcome): void => this.#go('cleanup', 'inactive', 'unconfigured', outcome);
  readonly shutdown = (outcome: FakeOutcome): void =>
    this.#go('shutdown', this.currentState.label, 'finalized', outcome);

  /** As the service change_state. */
  _onChangeState(request: { label: 'configure' | 'activate' }, response: RclResponse): void {
    const outcome = new FakeOutcome();
    this[request.label](outcome);
    response.send({ success: outcome.isSuccess() });
  }

  #go(name: string, from: string, to: string, outcome: FakeOutcome): void {
    if (this.currentState.label !== from || from === 'finalized') {
      throw new Error(`Transition is not registered. Can not transition from ${this.currentState.label}`);
    }
    this.currentState = { label: `${name}ing` };
    outcome.value = this.#works.get(name)?.() ?? SUCCESS;
    this.currentState = { label: outcome.isSuccess() ? to : from };
  }
}

export interface FakeRclnodejs extends Rclnodejs {
  readonly calls: string[];
  readonly nodes: FakeNode[];
}

/** @param missing types that were not generated */
export function fakeRclnodejs(missing: readonly string[] = []): FakeRclnodejs {
  const calls: string[] = [];
  const nodes: FakeNode[] = [];
  const fake = {
    calls,
    nodes,
    init: async (_context: undefined, argv: readonly string[]) => {
      calls.push(`init ${argv.join(' ')}`.trim());
      if (argv.includes('broken')) throw new Error('rcl_init failed');
    },
    shutdown: () => void calls.push('shutdown'),
    removeSignalHandlers: () => void calls.push('removeSignalHandlers'),
    require: (type: string) => {
      calls.push(`require ${type}`);
      if (missing.includes(type)) throw new Error('The message required does not exist');
      return class {};
    },
    Node: class extends FakeNode {
      constructor(name: string, namespace?: string) {
        super(name, namespace);
        nodes.push(this);
      }
    },
    lifecycle: {
      LifecycleNode: class extends FakeLifecycleNode {
        constructor(name: string, namespace?: string) {
          super(name, namespace);
          nodes.push(this);
        }
      },
      CallbackReturnCode: { SUCCESS, FAILURE },
      CallbackReturnValue: FakeOutcome,
    },
    QoS: FakeQoS,
    Parameter: FakeParameter,
    ParameterDescriptor: FakeDescriptor,
  };
  return fake as unknown as FakeRclnodejs;
}

/** The answer of a service, as its caller gets it. */
export async function callService(
  service: FakeService,
  request: Record<string, unknown>,
  template: Record<string, unknown> = {},
): Promise<Record<string, unknown>> {
  return new Promise((resolve) => service.answer(request, { template, send: resolve }));
}
