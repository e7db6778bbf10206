// SPDX-License-Identifier: MIT
import { messageOf, QpvoError } from '../../error.ts';
import type { RosParameterValue } from '../RosNode.ts';
import { loadRclnodejs } from './loadRclnodejs.ts';
import { RclEndpoints } from './RclEndpoints.ts';
import { RclNode } from './RclNode.ts';
import type { Rclnodejs } from './rclnodejsTypes.ts';
import { withoutParameters } from './rosArguments.ts';

/** Parameters of a node by its full name, as the command line and its files set them. */
export type OverridesOf = (fullName: string) => ReadonlyMap<string, RosParameterValue>;

/** The connection of this process with the ROS graph. One at a time. */
export class RclSession {
  readonly #rcl: Rclnodejs;

  private constructor(rcl: Rclnodejs) {
    this.#rcl = rcl;
  }

  /**
   * @param argv arguments of the process; remappings and log levels among them take effect
   * @throws QpvoError QPVO_ROS when there is no ROS, or it refuses the arguments
   */
  static async open(argv: readonly string[], load: () => Promise<Rclnodejs> = loadRclnodejs): Promise<RclSession> {
    const rcl = await load();
    try {
      await rcl.init(undefined, withoutParameters(argv));
    } catch (error) {
      throw new QpvoError('QPVO_ROS', {
        what: 'ROS 2 cannot be started',
        received: messageOf(error),
        advice:
          'Check the arguments after --ros-args and the variables RMW_IMPLEMENTATION and ROS_DOMAIN_ID. At the first start messages are generated in the folder of rclnodejs: it must be writable then.',
        cause: error,
      });
    }
    return new RclSession(rcl);
  }

  /** A managed node. Call spin() when it is ready to hear. */
  lifecycleNode(name: string, overridesOf: OverridesOf): RclNode {
    const { LifecycleNode } = this.#rcl.lifecycle;
    const made = new LifecycleNode(name);
    return new RclNode(this.#rcl, made, overridesOf(made.getFullyQualifiedName()));
  }

  /** A node without lifecycle. */
  plainNode(name: string, namespace = ''): RclEndpoints {
    return new RclEndpoints(this.#rcl, new this.#rcl.Node(name, namespace));
  }

  close(): void {
    this.#rcl.shutdown();
  }
}
