// SPDX-License-Identifier: MIT
import { messageOf, QpvoError } from '../../error.ts';
import type { LogLevel, RosNode, RosPublisher, RosQos, RosSubscription, ServiceFields } from '../RosNode.ts';
import type { Opaque, RclNodeObject, Rclnodejs, RclResponse } from './rclnodejsTypes.ts';

/** What every node can do, managed or not. */
export type RosEndpoints = Omit<RosNode, 'overrides' | 'declare' | 'show' | 'manage' | 'state' | 'transition'>;

// rmw_qos_history_policy_t, rmw_qos_reliability_policy_t, rmw_qos_durability_policy_t
const KEEP_LAST = 1;
const RELIABILITY = { reliable: 1, best_effort: 2 } as const;
const DURABILITY = { transient_local: 1, volatile: 2 } as const;

/** A node of rclnodejs as a RosNode, without parameters and lifecycle. */
export class RclEndpoints implements RosEndpoints {
  protected readonly rcl: Rclnodejs;
  protected readonly node: RclNodeObject;
  readonly fullName: string;
  readonly #types = new Map<string, boolean>();
  #isDestroyed = false;
  #syncIsDue = false;

  constructor(rcl: Rclnodejs, node: RclNodeObject) {
    this.rcl = rcl;
    this.node = node;
    this.fullName = node.getFullyQualifiedName();
    this.#guardExecute();
  }

  nowNs(): bigint {
    return this.node.now().nanoseconds;
  }

  resolveTopic(name: string): string {
    return this.#done(`resolve the topic name ${name}`, () => this.node.resolveTopicName(name));
  }

  hasType(type: string): boolean {
    const known = this.#types.get(type);
    if (known !== undefined) return known;
    let isThere = true;
    try {
      this.rcl.require(type);
    } catch {
      isThere = false;
    }
    this.#types.set(type, isThere);
    return isThere;
  }

  advertise(type: string, topic: string, qos: RosQos): RosPublisher {
    const made = this.#done(`advertise ${topic} (${type})`, () =>
      this.node.createPublisher(type, topic, { qos: this.qosOf(qos) }),
    );
    const isOpen = this.#opening();
    let hasFailed = false;
    return {
      // A message that cannot go out is no reason to stop; it is told once.
      publish: (cdr) => {
        if (!isOpen()) return;
        try {
          made.publish(Buffer.from(cdr.buffer, cdr.byteOffset, cdr.byteLength));
        } catch (error) {
          if (!hasFailed) this.log('error', `cannot publish on ${topic}: ${messageOf(error)}`);
          hasFailed = true;
        }
      },
      get subscribers() {
        return isOpen() ? made.subscriptionCount : 0;
      },
      close: () => isOpen.close(() => this.node.destroyPublisher(made)),
    };
  }

  subscribe(type: string, topic: string, qos: RosQos, take: (cdr: Uint8Array) => void): RosSubscription {
    const isOpen = this.#opening();
    // Exactly one parameter: with two, rclnodejs would hand over message information.
    const guarded = (message: Buffer): void => {
      if (isOpen()) this.guarded(`a message on ${topic}`, () => take(message), undefined);
    };
    const made = this.#done(`subscribe to ${topic} (${type})`, () =>
      this.#withOneSync(() =>
        this.node.createSubscription(type, topic, { qos: this.qosOf(qos), isRaw: true }, guarded),
      ),
    );
    return {
      get publishers() {
        return isOpen() ? made.publisherCount : 0;
      },
      close: () => isOpen.close(() => this.node.destroySubscription(made)),
    };
  }

  serve(
    type: string,
    name: string,
    answer: (request: ServiceFields) => ServiceFields | Promise<ServiceFields>,
  ): { close(): void } {
    const isOpen = this.#opening();
    const respond = async (request: ServiceFields, response: RclResponse): Promise<void> => {
      const fields = await this.#answerOrApology(name, request, response, answer);
      if (isOpen()) response.send(fields);
    };
    const made = this.#done(`offer the service ${name} (${type})`, () =>
      this.#withOneSync(() =>
        this.node.createService(type, name, (request, response) => {
          respond(request, response).catch((error: unknown) =>
            this.log('error', `cannot answer a call of ${name}: ${messageOf(error)}`),
          );
        }),
      ),
    );
    return { close: () => isOpen.close(() => this.node.destroyService(made)) };
  }

  log(level: LogLevel, text: string): void {
    if (this.#isDestroyed) console.error(`[${this.fullName}] ${text}`);
    else this.node.getLogger()[level](text);
  }

  destroy(): void {
    if (this.#isDestroyed) return;
    this.#isDestroyed = true;
    this.node.destroy();
  }

  /** Begins to hear messages and service calls. */
  spin(): void {
    this.node.spin();
  }

  protected get isDestroyed(): boolean {
    return this.#isDestroyed;
  }

  /** The result of a callback, or `otherwise` when it throws, which it should not. */
  protected guarded<T>(what: string, callback: () => T, otherwise: T): T {
    try {
      return callback();
    } catch (error) {
      this.log('error', `internal error at ${what}: ${error instanceof Error ? error.stack : String(error)}`);
      return otherwise;
    }
  }

  /** A caller that gets no answer would wait for ever. */
  async #answerOrApology(
    name: string,
    request: ServiceFields,
    response: RclResponse,
    answer: (request: ServiceFields) => ServiceFields | Promise<ServiceFields>,
  ): Promise<ServiceFields> {
    try {
      return await answer(request);
    } catch (error) {
      this.log(
        'error',
        `internal error in the service ${name}: ${error instanceof Error ? error.stack : String(error)}`,
      );
      const fields = response.template;
      if ('success' in fields) fields.success = false;
      if ('message' in fields) fields.message = messageOf(error);
      return fields;
    }
  }

  /** Whatever is thrown inside, also by services that rclnodejs itself offers, would abort the process without a word. What is not taken now is ready again at the next turn. */
  #guardExecute(): void {
    const execute = this.node.execute.bind(this.node);
    this.node.execute = (handles) =>
      this.guarded('the messages and calls of this turn', () => execute(handles), undefined);
  }

  /** While the node spins, each new handle makes this thread wait for the waiting one, up to 10 ms: once is enough for all that are made in a row. */
  #withOneSync<T>(make: () => T): T {
    // A method of native code cannot be assigned to.
    Object.defineProperty(this.node, 'syncHandles', { value: () => undefined, configurable: true });
    try {
      return make();
    } finally {
      Reflect.deleteProperty(this.node, 'syncHandles');
      if (!this.#syncIsDue) queueMicrotask(() => this.#sync());
      this.#syncIsDue = true;
    }
  }

  #sync(): void {
    this.#syncIsDue = false;
    if (!this.#isDestroyed) this.node.syncHandles();
  }

  protected qosOf({ depth, reliability, durability }: RosQos): Opaque {
    return new this.rcl.QoS(KEEP_LAST, depth, RELIABILITY[reliability], DURABILITY[durability]);
  }

  /** Tells whether an endpoint is still there; it ends with the node. */
  #opening(): (() => boolean) & { close(end: () => void): void } {
    let isOpen = true;
    const close = (end: () => void): void => {
      if (isOpen && !this.#isDestroyed) end();
      isOpen = false;
    };
    return Object.assign(() => isOpen && !this.#isDestroyed, { close });
  }

  #done<T>(what: string, action: () => T): T {
    try {
      return action();
    } catch (error) {
      throw new QpvoError('QPVO_ROS', { what: `cannot ${what}`, received: messageOf(error), cause: error });
    }
  }
}
