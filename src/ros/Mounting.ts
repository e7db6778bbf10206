// SPDX-License-Identifier: MIT
import { messageOf } from '../error.ts';
import { readTransforms } from '../messages/ros2/encode.ts';
import type { Pose } from '../odometry/Pose.ts';
import { poseFromNumbers } from './frames/poseFromNumbers.ts';
import { StaticTransforms } from './frames/StaticTransforms.ts';
import type { RosNode, RosSubscription } from './RosNode.ts';
import { QOS_TF_STATIC } from './topicQos.ts';

export interface MountingSettings {
  baseFrame: string;
  /** Empty: the frame_id of the images. */
  cameraFrame: string;
  /** x y z roll pitch yaw, or x y z qx qy qz qw; empty: from /tf_static. */
  baseToCamera: readonly number[];
}

/**
 * Where the camera sits on the robot: T_base_camera with the camera in its optical frame (z forward, x right, y down; REP-103). From a parameter or from /tf_static;
 * never assumed.
 */
export class Mounting {
  readonly #settings: MountingSettings;
  readonly #given: Pose | undefined;
  readonly #tree = new StaticTransforms();
  readonly #subscription: RosSubscription | undefined;
  #fault = '';
  #found: { frame: string; pose: Pose } | undefined;

  /** @throws QpvoError QPVO_PARAMETER when base_to_camera is no transform */
  constructor(node: RosNode, settings: MountingSettings) {
    this.#settings = settings;
    this.#given = settings.baseToCamera.length === 0 ? undefined : poseFromNumbers(settings.baseToCamera);
    this.#subscription =
      this.#given === undefined
        ? node.subscribe('tf2_msgs/msg/TFMessage', '/tf_static', QOS_TF_STATIC, (cdr) => this.#take(cdr))
        : undefined;
  }

  /** @param imageFrame frame_id of the images */
  T_base_camera(imageFrame: string): Pose | undefined {
    if (this.#given !== undefined) return this.#given;
    const frame = this.cameraFrame(imageFrame);
    if (frame === '' || frame === plain(this.#settings.baseFrame)) return undefined;
    if (this.#found?.frame !== frame) {
      const pose = this.#tree.lookup(this.#settings.baseFrame, frame);
      this.#found = pose && { frame, pose };
    }
    return this.#found?.pose;
  }

  cameraFrame(imageFrame: string): string {
    return plain(this.#settings.cameraFrame === '' ? imageFrame : this.#settings.cameraFrame);
  }

  /** What is missing, and what would help. */
  missing(imageFrame: string): string {
    const baseFrame = plain(this.#settings.baseFrame);
    const frame = this.cameraFrame(imageFrame);
    if (frame === '') {
      return 'the images have no frame_id: set the parameter camera_optical_frame, or base_to_camera';
    }
    if (frame === baseFrame) {
      return `the images carry the frame ${frame}, which is that of the robot and no optical frame (z forward): set camera_optical_frame or base_to_camera`;
    }
    const seen = this.#fault === '' ? '' : ` (a message on /tf_static cannot be used: ${this.#fault})`;
    return `no static transform from ${baseFrame} to ${frame}: ${this.#tree.describe(baseFrame, frame)}${seen}. Start robot_state_publisher or a static_transform_publisher, or set the parameter base_to_camera`;
  }

  close(): void {
    this.#subscription?.close();
  }

  #take(cdr: Uint8Array): void {
    try {
      for (const { frame, child, pose } of readTransforms(cdr)) this.#add(frame, child, pose);
    } catch (error) {
      this.#fault = messageOf(error);
    }
  }

  /** One bad transform does not hide the others. */
  #add(frame: string, child: string, pose: Pose): void {
    try {
      this.#tree.add(frame, child, pose);
      this.#found = undefined;
    } catch (error) {
      this.#fault = messageOf(error);
    }
  }
}

/** ROS 1 wrote frames with a slash in front. */
function plain(frame: string): string {
  return frame.replace(/^\//, '');
}
