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

/** What the node hears of the messages. */
export interface CameraEvents {
  onImage(): void;
  /** An image gave way to a newer one. */
  onDropped(): void;
  /** Why an image message cannot be used. */
  onFault(reason: string): void;
  /** Why a camera_info cannot be used while another one is in use. */
  onInfoFault(reason: string): void;
}

/** Calibrations that differ by less than this, relatively, are one: some drivers compute theirs anew for each message. */
const TOLERANCE = 1e-6;

/** The camera as the node sees it: newest image, calibration, and what is wrong with either. Both topics' callbacks never throw. */
export class CameraInput {
  readonly mailbox = new ImageMailbox();
  readonly imageTopic: string;
  /** Empty when a calibration file is used. */
  readonly infoTopic: string;
  readonly #rectified: boolean;
  readonly #events: CameraEvents;
  readonly #subscriptions: RosSubscription[] = [];
  #image: RosSubscription | undefined;
  #infoSource = '';
  #calibration: CameraCalibration | undefined;
  #calibrationFault = '';
  #frameId = '';
  #received = 0;
  #lastReceivedMs = performance.now();

  constructor(node: RosNode, settings: CameraSettings, events: CameraEvents) {
    const isCompressed = settings.transport === 'compressed';
    const image = node.resolveTopic('image');
    const infoTopics = settings.calibration === undefined ? infoTopicsOf(node, image) : [];
    this.#events = events;
    this.#rectified = settings.rectified;
    this.#calibration = settings.calibration;
    this.imageTopic = isCompressed ? `${image}/compressed` : image;
    this.infoTopic = infoTopics.join(' or ');
    try {
      for (const topic of infoTopics) {
        const take = (cdr: Uint8Array): void => this.#takeInfo(cdr, topic);
        this.#subscriptions.push(node.subscribe('sensor_msgs/msg/CameraInfo', topic, settings.qos, take));
      }
      const type = isCompressed ? 'sensor_msgs/msg/CompressedImage' : 'sensor_msgs/msg/Image';
      this.#image = node.subscribe(type, this.imageTopic, settings.qos, (cdr) => this.#takeImage(cdr));
      this.#subscriptions.push(this.#image);
    } catch (error) {
      this.close();
      throw error;
    }
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
    return this.#image?.publishers ?? 0;
  }

  close(): void {
    for (const subscription of this.#subscriptions) subscription.close();
    this.mailbox.end();
  }

  #takeImage(cdr: Uint8Array): void {
    this.#received++;
    this.#lastReceivedMs = performance.now();
    this.#events.onImage();
    try {
      const { stampNs, frameId } = readHeader(cdr, 'cdr');
      this.#frameId = frameId;
      if (this.mailbox.put({ cdr, stampNs, frameId })) this.#events.onDropped();
    } catch (error) {
      this.#events.onFault(messageOf(error));
    }
  }

  /** Of two topics that are candidates, the one that speaks first holds. */
  #takeInfo(cdr: Uint8Array, topic: string): void {
    if (this.#infoSource !== '' && this.#infoSource !== topic) return;
    try {
      const calibration = this.#read(cdr, topic);
      this.#infoSource = topic;
      this.#calibrationFault = '';
      if (!isSame(calibration, this.#calibration)) this.#calibration = calibration;
    } catch (error) {
      this.#calibrationFault = messageOf(error);
      if (this.#calibration !== undefined) this.#events.onInfoFault(this.#calibrationFault);
    }
  }

  #read(cdr: Uint8Array, topic: string): CameraCalibration {
    const info = readCameraInfo(cdr, 'cdr');
    if (info.k.every((value) => value === 0)) {
      throw new QpvoError('QPVO_CALIBRATION', {
        what: `the camera on ${topic} is not calibrated`,
        expected: 'a camera matrix K',
        received: 'zeros',
        advice: 'Calibrate it, or give a calibration with the parameter camera_file.',
      });
    }
    return calibrationFromCameraInfo(info, `topic ${topic}`, { rectified: this.#rectified });
  }
}

/** camera_info beside the image, as image_transport has it, and the name itself: which of the two is meant cannot be told from a name that was not remapped. */
function infoTopicsOf(node: RosNode, image: string): string[] {
  const namespace = node.fullName.slice(0, node.fullName.lastIndexOf('/'));
  const resolved = node.resolveTopic('camera_info');
  const beside = `${image.slice(0, image.lastIndexOf('/'))}/camera_info`;
  return resolved === `${namespace}/camera_info` ? [...new Set([beside, resolved])] : [resolved];
}

function isSame(a: CameraCalibration, b: CameraCalibration | undefined): boolean {
  if (b === undefined || a.width !== b.width || a.height !== b.height || a.model !== b.model) return false;
  const [p, q] = [a, b].map(({ fx, fy, cx, cy, coefficients }) => [fx, fy, cx, cy, ...coefficients]);
  return p!.length === q!.length && p!.every((value, i) => near(value, q![i]!));
}

function near(a: number, b: number): boolean {
  return Math.abs(a - b) <= TOLERANCE * Math.max(1, Math.abs(a), Math.abs(b));
}
