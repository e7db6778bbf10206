// SPDX-License-Identifier: MIT
import { type DiagnosticStatus, encodeDiagnostics } from '../messages/ros2/encode.ts';
import type { RosNode, RosPublisher } from './RosNode.ts';
import { QOS_RELIABLE } from './topicQos.ts';

/** What the node knows about itself at the moment of a report. */
export interface DiagnosticFacts {
  lifecycle: string;
  profile: string;
  model: string;
  device: string;
  camera:
    | {
        topic: string;
        infoTopic: string;
        publishers: number;
        silentS: number;
        timeoutS: number;
        received: number;
        dropped: number;
        /** Since the last report. */
        processedHz: number;
        receivedHz: number;
        droppedHz: number;
        faults: number;
        lastFault: string;
      }
    | undefined;
  tracking: {
    state: string;
    reason: string;
    segment: number;
    scale: string;
    /** What the scale estimate could not use; undefined without a scale_source. */
    scaleIgnored: string | undefined;
    distance: number;
    processed: number;
    skipped: number;
  };
  latencyMs: { p50: number; p95: number };
  /** 99th percentile of the delay of the event loop since the last report. */
  loopDelayMs: number;
  memoryMb: number;
}

const TRACKING_LEVELS: Readonly<Record<string, DiagnosticStatus['level']>> = {
  TRACKING: 'ok',
  DEGRADED: 'warn',
  INITIALIZING: 'warn',
  STARTING: 'warn',
  PAUSED: 'warn',
  INACTIVE: 'ok',
  LOST: 'error',
  ERROR: 'error',
};

/** /diagnostics (REP-107): camera, tracking and resources of the node. */
export class Diagnostics {
  readonly #node: RosNode;
  readonly #publisher: RosPublisher;

  constructor(node: RosNode) {
    this.#node = node;
    this.#publisher = node.advertise('diagnostic_msgs/msg/DiagnosticArray', '/diagnostics', QOS_RELIABLE);
  }

  publish(facts: DiagnosticFacts): void {
    const statuses = [cameraStatus(facts), trackingStatus(facts), resourceStatus(facts)].map((status) => ({
      ...status,
      name: `${this.#node.fullName.slice(1)}: ${status.name}`,
      hardwareId: 'qpvo',
    }));
    this.#publisher.publish(encodeDiagnostics(this.#node.nowNs(), statuses));
  }

  close(): void {
    this.#publisher.close();
  }
}

type Status = Pick<DiagnosticStatus, 'level' | 'name' | 'message' | 'values'>;

function cameraStatus({ camera }: DiagnosticFacts): Status {
  if (camera === undefined) return { level: 'ok', name: 'camera', message: 'not active', values: {} };
  const { level, message } = cameraVerdict(camera);
  const values = {
    topic: camera.topic,
    'camera info topic': camera.infoTopic || 'none (camera_file)',
    publishers: String(camera.publishers),
    'image rate, Hz': camera.receivedHz.toFixed(1),
    'processed rate, Hz': camera.processedHz.toFixed(1),
    'drop rate, Hz': camera.droppedHz.toFixed(1),
    'images received': String(camera.received),
    'images dropped': String(camera.dropped),
    'unusable images since the last report': String(camera.faults),
    'seconds since the last image': camera.silentS.toFixed(2),
  };
  return { level, name: 'camera', message, values };
}

function cameraVerdict(camera: NonNullable<DiagnosticFacts['camera']>): Pick<Status, 'level' | 'message'> {
  const { topic, silentS, timeoutS, publishers } = camera;
  if (silentS > timeoutS) {
    const why =
      publishers === 0
        ? 'nobody publishes it: check the camera driver and the remapping of "image"'
        : `${publishers} publisher(s): check that their QoS fits image_qos`;
    return { level: 'error', message: `no image on ${topic} for ${silentS.toFixed(1)} s; ${why}` };
  }
  if (publishers > 1) return { level: 'warn', message: `${publishers} publishers on ${topic}: images will be mixed` };
  if (camera.faults > 0) return { level: 'warn', message: `unusable images: ${camera.lastFault}` };
  if (camera.droppedHz > 0.5 * camera.receivedHz && camera.receivedHz > 0)
    return { level: 'warn', message: 'more than half of the images are dropped: choose a faster profile (precision)' };
  return { level: 'ok', message: `${camera.processedHz.toFixed(1)} images/s` };
}

function trackingStatus({ tracking }: DiagnosticFacts): Status {
  const { state, reason } = tracking;
  const values = {
    state,
    segment: String(tracking.segment),
    scale: tracking.scale,
    ...(tracking.scaleIgnored === undefined ? {} : { 'ignored by the scale estimate': tracking.scaleIgnored }),
    'distance (metres when scaled)': tracking.distance.toFixed(3),
    'images processed': String(tracking.processed),
    'images skipped': String(tracking.skipped),
  };
  const message = reason === '' ? state : `${state}: ${reason}`;
  return { level: TRACKING_LEVELS[state] ?? 'warn', name: 'tracking', message, values };
}

function resourceStatus(facts: DiagnosticFacts): Status {
  const values = {
    lifecycle: facts.lifecycle,
    profile: facts.profile,
    model: facts.model,
    device: facts.device,
    'latency p50, ms': facts.latencyMs.p50.toFixed(1),
    'latency p95, ms': facts.latencyMs.p95.toFixed(1),
    'event loop delay p99, ms': facts.loopDelayMs.toFixed(1),
    'memory (resident), MB': facts.memoryMb.toFixed(0),
  };
  return { level: 'ok', name: 'resources', message: `profile ${facts.profile || 'not configured'}`, values };
}
