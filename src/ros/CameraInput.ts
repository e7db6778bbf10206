// SPDX-License-Identifier: MIT
import type { CameraCalibration } from '../camera/CameraCalibration.ts';
import { calibrationFromCameraInfo } from '../camera/cameraInfo.ts';
import { messageOf, QpvoError } from '../error.ts';
import { readCameraInfo, readHeader } from '../messages/sensorMessages.ts';
import { ImageMailbox } from './ImageMailbox.ts';
import type { RosNode, RosQos, RosSubscription } from './RosNode.ts';

export interface CameraSettings {
  transport: 'raw' | 'compressed';
  qos: RosQos;
  /** Images are rectified: P of camera_info holds, without distortion. */
  rectified: boolean;
  /** Used instead of camera_info, which is then not subscribed. */
  calibration: CameraCalibration | undefined;
}

/** The camera as the node sees it: newest image, calibration, and what is wrong with either. Both topics' callbacks never throw. */
export class CameraInput {
  readonly mailbox = new ImageMailbox();
  readonly imageTopic: string;
  /** Empty when a calibration file is used. */
  readonly infoTopic: string;
  readonly #rectified: boolean;
  readonly #onFault: (reason: string) => void;
  readonly #image: RosSubscription;
  readonly #info: RosSubscription | undefined;
  #calibration: CameraCalibration | undefined;
  #calibrationFault = '';
  #frameId = '';
  #received = 0;
  #lastReceivedMs = performance.now();

  /** @param onFault hears why an image message cannot be used */
  constructor(node: RosNode, settings: CameraSettings, onFault: (reason: string) => void) {
    const isCompressed = settings.transport === 'compressed';
    const image = node.resolveTopic('image');
    this.#onFault = onFault;
    this.#rectified = settings.rectified;
    this.#calibration = settings.calibration;
    this.imageTopic = isCompressed ? `${image}/compressed` : image;
    this.infoTopic = settings.calibration === undefined ? infoTopicOf(node, image) : '';
    this.#info =
      this.infoTopic === ''
        ? undefined
        : node.subscribe('sensor_msgs/msg/CameraInfo', this.infoTopic, settings.qos, (cdr) => this.#takeInfo(cdr));
    this.#image = node.subscribe(
      isCompressed ? 'sensor_msgs/msg/CompressedImage' : 'sensor_msgs/msg/Image',
      this.imageTopic,
      settings.qos,
      (cdr) => this.#takeImage(cdr),
    );
  }

  /** A new object whenever the camera says something else about itself. */
  get calibration(): CameraCalibration | undefined {
    return this.#calibration;
  }

  /** Why camera_info is no calibration; empty when it is, or none came. */
  get calibrationFault(): string {
    return this.#calibrationFault;
  }

  /** frame_id of the last image. */
  get frameId(): string {
    return this.#frameId;
  }

  /** Image messages that arrived, usable or not. */
  get received(): number {
    return this.#received;
  }

  /** Time since the last image message, or since the subscription, seconds. */
  get silentS(): number {
    return (performance.now() - this.#lastReceivedMs) / 1000;
  }

  /** Publishers of the image topic. */
  get publishers(): number {
    return this.#image.publishers;
  }

  close(): void {
    this.#image.close();
    this.#info?.close();
    this.mailbox.end();
  }

  #takeImage(cdr: Uint8Array): void {
    this.#received++;
    this.#lastReceivedMs = performance.now();
    try {
      const { stampNs, frameId } = readHeader(cdr, 'cdr');
      this.#frameId = frameId;
      this.mailbox.put({ cdr, stampNs });
    } catch (error) {
      this.#onFault(messageOf(error));
    }
  }

  #takeInfo(cdr: Uint8Array): void {
    try {
      const calibration = this.#read(cdr);
      this.#calibrationFault = '';
      if (!isSame(calibration, this.#calibration)) this.#calibration = calibration;
    } catch (error) {
      this.#calibrationFault = messageOf(error);
    }
  }

  #read(cdr: Uint8Array): CameraCalibration {
    const info = readCameraInfo(cdr, 'cdr');
    if (info.k.every((value) => value === 0)) {
      throw new QpvoError('QPVO_CALIBRATION', {
        what: `the camera on ${this.infoTopic} is not calibrated`,
        expected: 'a camera matrix K',
        received: 'zeros',
        advice: 'Calibrate it, or give a calibration with the parameter camera_file.',
      });
    }
    return calibrationFromCameraInfo(info, `topic ${this.infoTopic}`, { rectified: this.#rectified });
  }
}

/** camera_info beside the image, as image_transport has it, unless camera_info is remapped by itself. */
function infoTopicOf(node: RosNode, image: string): string {
  const namespace = node.fullName.slice(0, node.fullName.lastIndexOf('/'));
  const resolved = node.resolveTopic('camera_info');
  return resolved === `${namespace}/camera_info` ? `${image.slice(0, image.lastIndexOf('/'))}/camera_info` : resolved;
}

function isSame(a: CameraCalibration, b: CameraCalibration | undefined): boolean {
  return b !== undefined && JSON.stringify(a) === JSON.stringify(b);
}
