// SPDX-License-Identifier: MIT
import { messageOf } from '../error.ts';
import { poseFromFields } from '../messages/ros2/encode.ts';
import type { Pose } from '../odometry/Pose.ts';
import type { RosNode, ServiceFields } from './RosNode.ts';

/** What the services ask of the node. Each returns a text for people, or throws when it cannot be done. */
export interface NodeActions {
  reset(): string;
  resetToPose(T_odom_base: Pose): string;
  pause(): string;
  resume(): string;
  setScale(scale: number): string;
  saveTrajectory(path: string): Promise<{ poses: number; message: string }>;
  state(): ServiceFields;
}

type Answer = (request: ServiceFields) => ServiceFields | Promise<ServiceFields>;

const TRIGGER = 'std_srvs/srv/Trigger';
const EMPTY = 'std_srvs/srv/Empty';

/** The services of the node; the names without `~/` are those of rtabmap_odom. A service whose type was not generated is left out. */
export class NodeServices {
  readonly #services: { close(): void }[];
  /** Types that are missing here. */
  readonly missing: string[];

  constructor(node: RosNode, actions: NodeActions) {
    const all = servicesOf(node, actions);
    this.missing = [...new Set(all.map(([type]) => type))].filter((type) => !node.hasType(type));
    this.#services = all
      .filter(([type]) => !this.missing.includes(type))
      .map(([type, name, answer]) => node.serve(type, name, answer));
  }

  close(): void {
    for (const service of this.#services) service.close();
  }
}

function servicesOf(node: RosNode, actions: NodeActions): (readonly [type: string, name: string, answer: Answer])[] {
  const trigger = (work: () => string): Answer => {
    return () => attempt(() => ({ message: work() }));
  };
  const empty = (work: () => string): Answer => {
    return async () => {
      const { success, message } = await attempt(() => ({ message: work() }));
      if (success !== true) node.log('error', String(message));
      return {};
    };
  };
  const { reset, pause, resume } = actions;
  return [
    [TRIGGER, '~/reset', trigger(reset)],
    [TRIGGER, '~/pause', trigger(pause)],
    [TRIGGER, '~/resume', trigger(resume)],
    [EMPTY, 'reset_odom', empty(reset)],
    [EMPTY, 'pause_odom', empty(pause)],
    [EMPTY, 'resume_odom', empty(resume)],
    [
      'qpvo/srv/ResetToPose',
      '~/reset_to_pose',
      (request) => attempt(() => ({ message: actions.resetToPose(poseFromFields(request['pose'])) })),
    ],
    [
      'qpvo/srv/SetScale',
      '~/set_scale',
      (request) => attempt(() => ({ message: actions.setScale(Number(request['scale'])) })),
    ],
    [
      'qpvo/srv/SaveTrajectory',
      '~/save_trajectory',
      (request) =>
        attempt(
          async () => {
            const { poses, message } = await actions.saveTrajectory(String(request['path']));
            return { message, poses: BigInt(poses) };
          },
          { poses: 0n },
        ),
    ],
    ['qpvo/srv/GetState', '~/get_state', () => ({ status: actions.state() })],
  ];
}

/** The response with `success`, whatever happens: a service never throws. */
async function attempt(
  work: () => ServiceFields | Promise<ServiceFields>,
  otherwise: ServiceFields = {},
): Promise<ServiceFields> {
  try {
    return { success: true, ...(await work()) };
  } catch (error) {
    return { success: false, message: messageOf(error), ...otherwise };
  }
}
