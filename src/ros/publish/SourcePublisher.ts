// SPDX-License-Identifier: MIT
import type { CameraCalibration } from '../../camera/CameraCalibration.ts';
import {
  encodeCameraInfo,
  encodeClock,
  encodeImage,
  encodeOdometry,
  encodeTransforms,
  type OdometryMessage,
} from '../../messages/ros2/encode.ts';
import { IDENTITY, type Pose, type StampedPose } from '../../odometry/Pose.ts';
import type { ImageFrame } from '../../sources/Source.ts';
import type { RosNode, RosPublisher, RosQos } from '../RosNode.ts';
import { QOS_RELIABLE, QOS_TF_STATIC } from '../topicQos.ts';
import { cameraInfoOf } from './cameraInfoOf.ts';
import { groundTruthMessages } from './groundTruthMessages.ts';

/** The part of a node that publishing needs. */
export type PublishingNode = Pick<RosNode, 'advertise' | 'log'>;

export interface PublishedCamera {
  /** undefined: no camera_info is published. */
  calibration: CameraCalibration | undefined;
  /** Camera in its optical frame; undefined: no transform is published. */
  T_base_camera: Pose | undefined;
  /** Of the camera (T_world_camera), oldest first. */
  groundTruth: readonly StampedPose[] | undefined;
}

export interface PublishedNames {
  imageTopic: string;
  baseFrame: string;
  cameraFrame: string;
}

/** Reliable, so that readers of either kind get it. */
const QOS_CLOCK: RosQos = { reliability: 'reliable', durability: 'volatile', depth: 1 };

/** The topics of a camera that was recorded. */
export class SourcePublisher {
  readonly #names: PublishedNames;
  readonly #image: RosPublisher;
  readonly #info: { publisher: RosPublisher; message: ReturnType<typeof cameraInfoOf> } | undefined;
  readonly #truth: { publisher: RosPublisher; messages: OdometryMessage[] } | undefined;
  readonly #clock: RosPublisher | undefined;
  readonly #open: RosPublisher[] = [];
  #nextTruth = 0;

  /** @param withClock publish /clock as well */
  constructor(node: PublishingNode, names: PublishedNames, camera: PublishedCamera, qos: RosQos, withClock: boolean) {
    const advertise = (type: string, topic: string, topicQos: RosQos): RosPublisher => {
      const publisher = node.advertise(type, topic, topicQos);
      this.#open.push(publisher);
      return publisher;
    };
    const { calibration, T_base_camera, groundTruth } = camera;
    const { imageTopic, baseFrame, cameraFrame } = names;
    this.#names = names;
    this.#image = advertise('sensor_msgs/msg/Image', imageTopic, qos);
    if (calibration !== undefined) {
      const publisher = advertise('sensor_msgs/msg/CameraInfo', besideImage(imageTopic), qos);
      this.#info = { publisher, message: cameraInfoOf(calibration) };
    }
    if (groundTruth !== undefined) {
      const child = T_base_camera === undefined ? cameraFrame : baseFrame;
      this.#truth = {
        publisher: advertise('nav_msgs/msg/Odometry', 'ground_truth', QOS_RELIABLE),
        messages: groundTruthMessages(groundTruth, T_base_camera ?? IDENTITY, 'world', child),
      };
    }
    this.#clock = withClock ? advertise('rosgraph_msgs/msg/Clock', '/clock', QOS_CLOCK) : undefined;
    if (T_base_camera !== undefined) {
      advertise('tf2_msgs/msg/TFMessage', '/tf_static', QOS_TF_STATIC).publish(
        encodeTransforms([{ stampNs: 0n, frame: baseFrame, child: cameraFrame, pose: T_base_camera }]),
      );
    }
  }

  /** Subscribers of the images. */
  get subscribers(): number {
    return this.#image.subscribers;
  }

  /** The recording begins (again) with this stamp: ground truth before it is not published. */
  begin(firstStampNs: bigint): void {
    const at = this.#truth?.messages.findIndex(({ stampNs }) => stampNs >= firstStampNs) ?? -1;
    this.#nextTruth = at < 0 ? (this.#truth?.messages.length ?? 0) : at;
  }

  clock(nowNs: bigint): void {
    this.#clock?.publish(encodeClock(nowNs));
  }

  /**
   * Publishes an image with its camera_info, and the ground truth up to it.
   *
   * @param restamp stamp that is published for a recorded one
   */
  frame(frame: ImageFrame, restamp: (stampNs: bigint) => bigint): void {
    const header = { stampNs: restamp(frame.stampNs), frame: this.#names.cameraFrame };
    this.clock(header.stampNs);
    this.#publishTruth(frame.stampNs, restamp);
    this.#info?.publisher.publish(encodeCameraInfo({ ...header, ...this.#info.message }));
    const { width, height, encoding, step, isBigEndian, data } = frame;
    const pixels = data.length === step * height ? data : data.subarray(0, step * height);
    this.#image.publish(encodeImage({ ...header, width, height, encoding, step, isBigEndian, data: pixels }));
  }

  close(): void {
    for (const publisher of this.#open) publisher.close();
  }

  #publishTruth(untilNs: bigint, restamp: (stampNs: bigint) => bigint): void {
    if (this.#truth === undefined) return;
    const { publisher, messages } = this.#truth;
    for (; this.#nextTruth < messages.length; this.#nextTruth++) {
      const message = messages[this.#nextTruth]!;
      if (message.stampNs > untilNs) return;
      publisher.publish(encodeOdometry({ ...message, stampNs: restamp(message.stampNs) }));
    }
  }
}

/** camera_info beside the image, as image_transport has it. */
function besideImage(imageTopic: string): string {
  return `${imageTopic.slice(0, imageTopic.lastIndexOf('/') + 1)}camera_info`;
}
