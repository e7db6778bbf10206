// SPDX-License-Identifier: MIT
import type { NodeParameters } from '../config/nodeParameters.ts';
import { encodeOdometry, encodeTransforms, PathMessage } from '../messages/ros2/encode.ts';
import type { Pose } from '../odometry/Pose.ts';
import { inverse, type Tangent } from '../odometry/se3.ts';
import { LOST_COVARIANCE } from './frames/covariance6.ts';
import type { RosNode, RosPublisher } from './RosNode.ts';
import { QOS_RELIABLE, QOS_TF } from './topicQos.ts';

export interface PoseSettings {
  odomFrame: string;
  baseFrame: string;
  publishTf: boolean;
  /** The transform is sent as base_link -> odom, for trees where base_link has another parent. */
  invertTf: boolean;
  lostPolicy: NodeParameters['lost_policy'];
  pathMaxSize: number;
  /** Least time between two paths, seconds. */
  pathPeriodS: number;
}

export interface PublishedPose {
  /** Of the image, or of publication with override_publishing_stamp. */
  stampNs: bigint;
  T_odom_base: Pose;
  /** Velocity in base_link; undefined when it is not known. */
  twist: Tangent | undefined;
  /** 36 numbers each, row-major. */
  poseCovariance: ArrayLike<number>;
  twistCovariance: ArrayLike<number>;
}

const NO_TWIST: Tangent = [0, 0, 0, 0, 0, 0];
/** What RTAB-Map's odometry sends for "lost": zeros, the quaternion too. */
const NULL_POSE: Pose = { t: [0, 0, 0], q: [0, 0, 0, 0] };

/** ~/odometry, /tf and ~/path. They agree: one pose goes to all three. */
export class PosePublisher {
  readonly #odometry: RosPublisher;
  readonly #tf: RosPublisher;
  readonly #path: RosPublisher;
  #settings: PoseSettings;
  #pathMessage: PathMessage | undefined;
  #lastPathNs: bigint | undefined;

  constructor(node: RosNode, settings: PoseSettings) {
    this.#settings = settings;
    this.#pathMessage = newPath(settings);
    this.#odometry = node.advertise('nav_msgs/msg/Odometry', '~/odometry', QOS_RELIABLE);
    this.#tf = node.advertise('tf2_msgs/msg/TFMessage', '/tf', QOS_TF);
    this.#path = node.advertise('nav_msgs/msg/Path', '~/path', QOS_RELIABLE);
  }

  setSettings(settings: PoseSettings): void {
    if (settings.pathMaxSize !== this.#settings.pathMaxSize) this.#pathMessage = newPath(settings);
    this.#settings = settings;
  }

  publish(pose: PublishedPose): void {
    this.#send(pose.stampNs, pose.T_odom_base, pose.twist ?? NO_TWIST, pose.poseCovariance, pose.twistCovariance);
    this.#sendTf(pose.stampNs, pose.T_odom_base);
    this.#sendPath(pose.stampNs, pose.T_odom_base);
  }

  /** An image without a pose: before initialisation, or lost. @param last where base_link was last; undefined before the first pose, when there is nothing to hold */
  publishLost(stampNs: bigint, last: Pose | undefined): void {
    const { lostPolicy } = this.#settings;
    const held = lostPolicy === 'hold' ? last : undefined;
    const pose = lostPolicy === 'publish_null_when_lost' ? NULL_POSE : held;
    if (pose === undefined) return;
    this.#send(stampNs, pose, NO_TWIST, LOST_COVARIANCE, LOST_COVARIANCE);
    if (held !== undefined) this.#sendTf(stampNs, held);
  }

  close(): void {
    for (const publisher of [this.#odometry, this.#tf, this.#path]) publisher.close();
  }

  #send(
    stampNs: bigint,
    pose: Pose,
    twist: Tangent,
    poseCovariance: ArrayLike<number>,
    twistCovariance: ArrayLike<number>,
  ): void {
    const { odomFrame: frame, baseFrame: childFrame } = this.#settings;
    this.#odometry.publish(
      encodeOdometry({ stampNs, frame, childFrame, pose, poseCovariance, twist, twistCovariance }),
    );
  }

  #sendTf(stampNs: bigint, T_odom_base: Pose): void {
    const { publishTf, invertTf, odomFrame, baseFrame } = this.#settings;
    if (!publishTf) return;
    const transform = invertTf
      ? { stampNs, frame: baseFrame, child: odomFrame, pose: inverse(T_odom_base) }
      : { stampNs, frame: odomFrame, child: baseFrame, pose: T_odom_base };
    this.#tf.publish(encodeTransforms([transform]));
  }

  #sendPath(stampNs: bigint, T_odom_base: Pose): void {
    if (this.#pathMessage === undefined) return;
    this.#pathMessage.add(stampNs, T_odom_base);
    if (this.#path.subscribers === 0) return;
    const periodNs = BigInt(Math.round(this.#settings.pathPeriodS * 1e9));
    const since = this.#lastPathNs === undefined ? undefined : stampNs - this.#lastPathNs;
    if (since !== undefined && since >= 0n && since < periodNs) return;
    this.#lastPathNs = stampNs;
    this.#path.publish(this.#pathMessage.encode(stampNs));
  }
}

/** None when no pose is to be kept. */
function newPath({ odomFrame, pathMaxSize }: PoseSettings): PathMessage | undefined {
  return pathMaxSize === 0 ? undefined : new PathMessage(odomFrame, pathMaxSize);
}
