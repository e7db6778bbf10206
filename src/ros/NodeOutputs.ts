// SPDX-License-Identifier: MIT
import type { NodeParameters } from '../config/nodeParameters.ts';
import { encodeOdometryStatus, type OdometryStatusMessage } from '../messages/ros2/encode.ts';
import type { Pose } from '../odometry/Pose.ts';
import type { MapPoint } from '../odometry/types.ts';
import { DebugImagePublisher } from './DebugImagePublisher.ts';
import type { LiveOdometry } from './LiveOdometry.ts';
import { PointsPublisher } from './PointsPublisher.ts';
import type { PoseLog } from './PoseLog.ts';
import { PosePublisher, type PoseSettings, type PublishedPose } from './PosePublisher.ts';
import type { RosNode, RosPublisher } from './RosNode.ts';
import { QOS_RELIABLE } from './topicQos.ts';

export const STATUS_TYPE = 'qpvo/msg/OdometryStatus';

/** Every topic that the node publishes, from configure to cleanup, but /diagnostics. */
export class NodeOutputs {
  readonly #poseLog: PoseLog;
  readonly #poses: PosePublisher;
  readonly #points: PointsPublisher;
  readonly #debugImage: DebugImagePublisher;
  /** Absent where the messages of this package were not generated. */
  readonly #status: RosPublisher | undefined;
  readonly #statusNow: () => OdometryStatusMessage;
  #parameters: NodeParameters;

  /** @param poseLog keeps what is published as a pose */
  constructor(node: RosNode, parameters: NodeParameters, poseLog: PoseLog, statusNow: () => OdometryStatusMessage) {
    this.#poseLog = poseLog;
    this.#parameters = parameters;
    this.#statusNow = statusNow;
    this.#poses = new PosePublisher(node, poseSettings(parameters));
    this.#points = new PointsPublisher(node, parameters.odom_frame, parameters.points_max);
    this.#debugImage = new DebugImagePublisher(node);
    this.#status = node.hasType(STATUS_TYPE) ? node.advertise(STATUS_TYPE, '~/status', QOS_RELIABLE) : undefined;
  }

  setParameters(parameters: NodeParameters): void {
    this.#parameters = parameters;
    this.#poses.setSettings(poseSettings(parameters));
  }

  publishPose(pose: PublishedPose): void {
    this.#poses.publish(pose);
    this.#poseLog.add(pose.stampNs, pose.T_odom_base);
  }

  /** @param last where base_link was last, if it was */
  publishLost(stampNs: bigint, last: Pose | undefined): void {
    this.#poses.publishLost(stampNs, last);
  }

  /** @param points in odom */
  addPoints(points: readonly MapPoint[]): void {
    this.#points.add(points);
  }

  /** What goes out with every processed image, with a pose or without. */
  afterFrame(stampNs: bigint, cameraFrame: string, odometry: LiveOdometry | undefined): void {
    this.publishStatus();
    this.#points.publish(stampNs, this.#parameters.points_period_s);
    if (odometry !== undefined)
      this.#debugImage.publish(stampNs, cameraFrame, odometry, this.#parameters.debug_image_rate_hz);
  }

  publishStatus(): void {
    if (this.#status !== undefined && this.#status.subscribers > 0)
      this.#status.publish(encodeOdometryStatus(this.#statusNow()));
  }

  close(): void {
    for (const publisher of [this.#poses, this.#points, this.#debugImage, this.#status]) publisher?.close();
  }
}

function poseSettings(parameters: NodeParameters): PoseSettings {
  return {
    odomFrame: parameters.odom_frame,
    baseFrame: parameters.base_frame,
    publishTf: parameters.publish_odom_to_base_tf,
    invertTf: parameters.invert_odom_to_base_tf,
    lostPolicy: parameters.lost_policy,
    pathMaxSize: parameters.path_max_size,
    pathPeriodS: parameters.path_period_s,
  };
}
