// SPDX-License-Identifier: MIT
import type { CameraCalibration } from '../camera/CameraCalibration.ts';
import type { NodeParameters } from '../config/nodeParameters.ts';
import type { Pose } from '../odometry/Pose.ts';
import type { FinishResult, TrackResult } from '../odometry/types.ts';
import type { BodyTrack } from './BodyTrack.ts';
import { CameraInput, type CameraSettings } from './CameraInput.ts';
import { LOSS_SPEED, type UncertaintyModel } from './frames/PoseUncertainty.ts';
import type { LiveOdometry } from './LiveOdometry.ts';
import type { LogThrottle } from './LogThrottle.ts';
import type { Mounting } from './Mounting.ts';
import type { NodeOutputs } from './NodeOutputs.ts';
import type { NodeStatistics } from './NodeStatistics.ts';
import type { RosNode } from './RosNode.ts';
import type { ScaleKeeper } from './ScaleKeeper.ts';
import type { ScaleReference } from './ScaleReference.ts';
import { Tracker } from './Tracker.ts';

export interface SessionParts {
  node: RosNode;
  camera: CameraSettings;
  mounting: Mounting;
  body: BodyTrack;
  outputs: NodeOutputs;
  statistics: NodeStatistics;
  scale: ScaleKeeper;
  reference: ScaleReference | undefined;
  log: LogThrottle;
  /** The number of the first segment. */
  firstSegment: number;
  leastReopenMs: number;
  /** The values as they are now: some change while the session runs. */
  parameters(): NodeParameters;
  open(calibration: CameraCalibration): Promise<LiveOdometry>;
  onBroken(error: unknown): void;
}

/** An image may be at work for so many times the time that the camera may be silent. */
const SLOW = 5;

/** The node while it is active: camera in, odometry out. */
export class Session {
  readonly camera: CameraInput;
  readonly #parts: SessionParts;
  readonly #tracker: Tracker;
  readonly #startMs = performance.now();
  #lastResultMs = this.#startMs;
  #last: TrackResult | undefined;
  #lastFault = '';

  constructor(parts: SessionParts) {
    this.#parts = parts;
    const { node, statistics } = parts;
    this.camera = new CameraInput(node, parts.camera, {
      onImage: () => statistics.addReceived(),
      onDropped: () => statistics.addDropped(),
      onFault: (reason) => this.#fault(reason),
      onInfoFault: (reason) => parts.log.say('warn', `camera_info cannot be used: ${reason}`),
    });
    this.#tracker = new Tracker(
      this.camera,
      parts.open,
      {
        obstacle: (frameId) => this.obstacle(frameId),
        onIgnored: () => statistics.addSkipped(),
        onResult: (result, frameId) => this.#take(result, frameId),
        onFinal: (end) => this.#addFinal(end),
        onFault: (reason) => this.#fault(reason),
        onNotice: (text) => node.log('info', text),
        onTrouble: (text) => parts.log.say('error', text),
        onBroken: parts.onBroken,
      },
      { firstSegment: parts.firstSegment, leastReopenMs: parts.leastReopenMs },
    );
  }

  get last(): TrackResult | undefined {
    return this.#last;
  }

  get isOpening(): boolean {
    return this.#tracker.isOpening;
  }

  get isPaused(): boolean {
    return this.#tracker.paused;
  }

  /** Memory of processes besides this one. */
  get otherProcessesBytes(): number {
    return this.#tracker.odometry?.residentBytes ?? 0;
  }

  /** Number of the segment at work. */
  get segment(): number {
    return this.#last?.segment ?? this.#parts.firstSegment;
  }

  /** Why images are not processed; empty when they are. */
  obstacle(frameId = this.camera.frameId): string {
    const { camera } = this;
    if (camera.calibration === undefined) {
      return camera.calibrationFault === ''
        ? `no camera_info on ${camera.infoTopic}: start the camera driver, remap camera_info, or set camera_file`
        : camera.calibrationFault;
    }
    if (this.#parts.mounting.T_base_camera(frameId) !== undefined || camera.received === 0) return '';
    return this.#parts.mounting.missing(frameId);
  }

  /** True when the wait for camera_info or the transform is longer than it should be. */
  get isOverdue(): boolean {
    return performance.now() - this.#startMs > 1000 * this.#parts.parameters().tf_timeout_s;
  }

  /** Why there has been no result for longer than the camera may be silent; empty when there is. */
  get standstill(): string {
    const silentS = (performance.now() - this.#lastResultMs) / 1000;
    const timeoutS = this.#parts.parameters().camera_timeout_s;
    const { isOpening, workingS } = this.#tracker;
    if (workingS > SLOW * timeoutS) return `an image has been at work for ${workingS.toFixed(1)} s`;
    if (silentS <= timeoutS || isOpening || workingS > 0) return '';
    const why = this.camera.silentS < silentS ? this.#lastFault : `none on ${this.camera.imageTopic}`;
    return `no usable image for ${silentS.toFixed(1)} s${why === '' ? '' : `: ${why}`}`;
  }

  /** True while no result comes that ~/status would go out with. */
  get isQuiet(): boolean {
    return this.isPaused || this.#last === undefined || performance.now() - this.#lastResultMs > 1000;
  }

  pause(isPaused: boolean): void {
    this.#tracker.paused = isPaused;
    if (isPaused) return;
    if (this.camera.mailbox.clear()) this.#parts.statistics.addSkipped();
    this.#lastResultMs = performance.now();
  }

  /** A new segment; odom goes on from the last pose. */
  restart(reason: string): void {
    this.#tracker.restart(reason);
  }

  /** Nothing is published any more. `closed` resolves when the image at work is done. */
  stop(): { nextSegment: number; closed: Promise<void> } {
    this.camera.close();
    return { nextSegment: this.#tracker.nextSegment, closed: this.#tracker.stop() };
  }

  #take(result: TrackResult, frameId: string): void {
    const { body, mounting, node, outputs, scale, statistics } = this.#parts;
    if (result.skipped) {
      this.#fault(result.reason);
      return;
    }
    const T_base_camera = mounting.T_base_camera(frameId);
    if (T_base_camera === undefined) {
      this.#fault(mounting.missing(frameId));
      return;
    }
    statistics.addResult();
    this.#last = result;
    this.#lastResultMs = performance.now();
    this.#lastFault = '';
    if (scale.enter(result.segment)) {
      const text = 'its scale is unknown (UNSCALED), the last factor is kept as a guess';
      node.log('warn', `segment ${result.segment} begins: ${text}`);
    }
    const stampNs = this.#parts.parameters().override_publishing_stamp ? node.nowNs() : result.stampNs;
    if (result.T_world_camera === undefined) outputs.publishLost(stampNs, body.last);
    else this.#publish(result, result.T_world_camera, T_base_camera, stampNs);
    this.#addFinal(result);
    this.#measureLatency(result.stampNs);
    outputs.afterFrame(stampNs, frameId, this.#tracker.odometry);
  }

  #publish(result: TrackResult, T_world_camera: Pose, T_base_camera: Pose, stampNs: bigint): void {
    const { body, outputs, reference, scale, statistics } = this.#parts;
    const { segment } = result;
    reference?.estimator.addVisual(result.stampNs, segment, T_world_camera);
    const before = body.last;
    const step = body.update({
      stampNs: result.stampNs,
      segment,
      T_world_camera,
      covariance: result.poseCovariance,
      isDegraded: result.state === 'DEGRADED',
      T_base_camera,
      scale: scale.scale,
      model: uncertaintyModel(this.#parts.parameters()),
    });
    if (before !== undefined) statistics.distance += distance(step.T_odom_base, before);
    outputs.publishPose({ stampNs, ...step });
  }

  #addFinal({ finalPoses, finalPoints }: FinishResult): void {
    this.#parts.statistics.addFinal(finalPoses);
    const placed = finalPoints.flatMap((point) => {
      const at = this.#parts.body.place([point.x, point.y, point.z]);
      return at === undefined ? [] : [{ ...point, x: at[0], y: at[1], z: at[2] }];
    });
    this.#parts.outputs.addPoints(placed);
  }

  /**
   * Only when the stamps of the images and the clock of the node are of one time: not for a bag that is played without its clock. A simulated clock may be a tick behind
   * the image.
   */
  #measureLatency(stampNs: bigint): void {
    const latencyMs = Number(this.#parts.node.nowNs() - stampNs) / 1e6;
    const isPlausible = latencyMs > -1000 && latencyMs < 60_000;
    this.#parts.statistics.addLatency(isPlausible ? Math.max(0, latencyMs) : undefined);
  }

  #fault(reason: string): void {
    this.#lastFault = reason;
    this.#parts.statistics.addFault(reason);
    this.#parts.log.say('warn', `an image cannot be used: ${reason}`);
  }
}

function uncertaintyModel(parameters: NodeParameters): UncertaintyModel {
  return {
    inflation: parameters.covariance_inflation,
    positionPerMetre: parameters.drift_position_per_metre,
    rotationPerMetre: parameters.drift_rotation_per_metre_rad,
    positionFloor: parameters.covariance_position_floor_m,
    rotationFloor: parameters.covariance_rotation_floor_rad,
    lossSpeed: LOSS_SPEED,
  };
}

function distance(a: Pose, b: Pose): number {
  return Math.hypot(a.t[0] - b.t[0], a.t[1] - b.t[1], a.t[2] - b.t[2]);
}
