// SPDX-License-Identifier: MIT
import type { CameraCalibration } from '../camera/CameraCalibration.ts';
import type { NodeParameters } from '../config/nodeParameters.ts';
import type { Pose } from '../odometry/Pose.ts';
import type { MapPoint, TrackResult } from '../odometry/types.ts';
import { CameraInput, type CameraSettings } from './CameraInput.ts';
import { OdomFrame } from './frames/OdomFrame.ts';
import { LOSS_SPEED, PoseUncertainty, type UncertaintyModel } from './frames/PoseUncertainty.ts';
import { TwistEstimator } from './frames/TwistEstimator.ts';
import type { LiveOdometry } from './LiveOdometry.ts';
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
  outputs: NodeOutputs;
  statistics: NodeStatistics;
  scale: ScaleKeeper;
  reference: ScaleReference | undefined;
  /** The values as they are now: some change while the session runs. */
  parameters(): NodeParameters;
  open(calibration: CameraCalibration): Promise<LiveOdometry>;
  onBroken(error: unknown): void;
}

/** Where the session before this one ended: odom goes on from there. */
export interface Continuation {
  T_odom_base: Pose;
  segment: number;
  /** Absent when the pose was given from outside. */
  uncertainty: PoseUncertainty | undefined;
}

/** A DEGRADED pose is taken as ten times as uncertain. */
const DEGRADED_VARIANCE = 100;

/** The same complaint about images is logged at most this often. */
const REPEAT_MS = 10_000;

/** The node while it is active: camera in, odometry out. */
export class Session {
  readonly camera: CameraInput;
  readonly #parts: SessionParts;
  readonly #tracker: Tracker;
  readonly #twist = new TwistEstimator();
  readonly #startMs = performance.now();
  readonly #saidAtMs = new Map<string, number>();
  #frame: OdomFrame | undefined;
  #uncertainty: PoseUncertainty | undefined;
  #continuation: Continuation | undefined;
  #last: TrackResult | undefined;

  constructor(parts: SessionParts, continuation: Continuation | undefined) {
    this.#parts = parts;
    this.#continuation = continuation;
    this.camera = new CameraInput(parts.node, parts.camera, (reason) => this.#fault(reason));
    this.#tracker = new Tracker(
      this.camera,
      parts.open,
      {
        obstacle: () => this.obstacle(),
        onResult: (result) => this.#take(result),
        onPoints: (points) => this.#addPoints(points),
        onFault: (reason) => this.#fault(reason),
        onNotice: (text) => parts.node.log('info', text),
        onBroken: parts.onBroken,
      },
      continuation === undefined ? 0 : continuation.segment + 1,
    );
  }

  get last(): TrackResult | undefined {
    return this.#last;
  }

  get isPaused(): boolean {
    return this.#tracker.paused;
  }

  /** Why images are not processed; empty when they are. */
  obstacle(): string {
    const { camera } = this;
    if (camera.calibration === undefined) {
      return camera.calibrationFault === ''
        ? `no camera_info on ${camera.infoTopic}: start the camera driver, remap camera_info, or set camera_file`
        : camera.calibrationFault;
    }
    if (this.#parts.mounting.T_base_camera(camera.frameId) !== undefined || camera.received === 0) return '';
    return this.#parts.mounting.missing(camera.frameId);
  }

  /** True when the wait for camera_info or the transform is longer than it should be. */
  get isOverdue(): boolean {
    return performance.now() - this.#startMs > 1000 * this.#parts.parameters().tf_timeout_s;
  }

  /** True while no result comes that ~/status would go out with. */
  get isQuiet(): boolean {
    return this.isPaused || this.#last === undefined || this.camera.silentS > 1;
  }

  pause(isPaused: boolean): void {
    this.#tracker.paused = isPaused;
    if (!isPaused) this.camera.mailbox.clear();
  }

  /** A new segment; odom goes on from the last pose. */
  restart(reason: string): void {
    this.#tracker.restart(reason);
  }

  /** A new segment that starts at this pose. @throws QpvoError QPVO_PARAMETER when the pose is not finite */
  moveTo(T_odom_base: Pose): void {
    this.#parts.outputs.moveTo(T_odom_base);
    this.#uncertainty?.reset();
    this.#twist.reset();
    if (this.#frame === undefined)
      this.#continuation = { T_odom_base, segment: this.#tracker.nextSegment - 1, uncertainty: undefined };
    else this.#frame.moveTo(T_odom_base);
    this.#tracker.restart('reset to a pose');
  }

  /** Nothing is published any more. `closed` resolves when the image at work is done. */
  stop(): { continuation: Continuation; closed: Promise<void> } {
    this.camera.close();
    const closed = this.#tracker.stop();
    return {
      continuation: {
        T_odom_base: this.#parts.outputs.lastPose,
        segment: this.#tracker.nextSegment - 1,
        uncertainty: this.#uncertainty ?? this.#continuation?.uncertainty,
      },
      closed,
    };
  }

  #take(result: TrackResult): void {
    const { statistics, outputs, scale, node } = this.#parts;
    statistics.addResult(result);
    this.#last = result;
    if (result.skipped) {
      this.#fault(result.reason);
    } else {
      if (scale.enter(result.segment)) {
        node.log(
          'warn',
          `segment ${result.segment} begins: its scale is unknown (UNSCALED), the last factor is kept as a guess`,
        );
      }
      const stampNs = this.#parts.parameters().override_publishing_stamp ? node.nowNs() : result.stampNs;
      if (result.T_world_camera === undefined) outputs.publishLost(stampNs);
      else this.#publish(result, result.T_world_camera, stampNs);
      this.#addPoints(result.finalPoints);
      this.#measureLatency(result.stampNs);
    }
    outputs.afterFrame(result, this.camera.frameId, this.#tracker.odometry);
  }

  #publish(result: TrackResult, T_world_camera: Pose, stampNs: bigint): void {
    const { scale, reference, outputs, statistics } = this.#parts;
    const { segment } = result;
    reference?.estimator.addVisual(result.stampNs, segment, T_world_camera);
    const { factor, spread } = scale.scale;
    const { frame, uncertainty } = this.#geometry();
    const T_odom_base = frame.update({ segment, T_world_camera, scale: factor });
    statistics.distance += distance(T_odom_base, outputs.lastPose);
    const twist = this.#twist.update({ stampNs: result.stampNs, segment, T_odom_base });
    const { pose, twist: twistCovariance } = uncertainty.update({
      stampNs: result.stampNs,
      segment,
      raw: result.poseCovariance,
      scale: factor,
      scaleSpread: spread,
      T_odom_base,
    });
    const isDegraded = result.state === 'DEGRADED';
    outputs.publishPose({
      stampNs,
      T_odom_base,
      twist,
      poseCovariance: isDegraded ? pose.map((value) => DEGRADED_VARIANCE * value) : pose,
      twistCovariance: isDegraded ? twistCovariance.map((value) => DEGRADED_VARIANCE * value) : twistCovariance,
    });
  }

  /** Made with the first pose, when the mounting is known for sure. */
  #geometry(): { frame: OdomFrame; uncertainty: PoseUncertainty } {
    const parameters = this.#parts.parameters();
    if (this.#frame === undefined || this.#uncertainty === undefined) {
      const T_base_camera = this.#parts.mounting.T_base_camera(this.camera.frameId)!;
      this.#frame = new OdomFrame(T_base_camera);
      if (this.#continuation !== undefined) this.#frame.moveTo(this.#continuation.T_odom_base);
      this.#uncertainty =
        this.#continuation?.uncertainty ?? new PoseUncertainty(uncertaintyModel(parameters), T_base_camera);
    }
    this.#uncertainty.setModel(uncertaintyModel(parameters));
    return { frame: this.#frame, uncertainty: this.#uncertainty };
  }

  #addPoints(points: readonly MapPoint[]): void {
    const frame = this.#frame;
    if (frame === undefined) return;
    this.#parts.outputs.addPoints(
      points.map((point) => {
        const [x, y, z] = frame.place([point.x, point.y, point.z]);
        return { ...point, x, y, z };
      }),
    );
  }

  /**
   * Only when the stamps of the images and the clock of the node are of one time: not for a bag that is played without its clock. A simulated clock may be a tick behind
   * the image.
   */
  #measureLatency(stampNs: bigint): void {
    const latencyMs = Number(this.#parts.node.nowNs() - stampNs) / 1e6;
    if (latencyMs > -1000 && latencyMs < 60_000) this.#parts.statistics.addLatency(Math.max(0, latencyMs));
  }

  #fault(reason: string): void {
    this.#parts.statistics.addFault(reason);
    const nowMs = performance.now();
    if (nowMs - (this.#saidAtMs.get(reason) ?? Number.NEGATIVE_INFINITY) < REPEAT_MS) return;
    if (this.#saidAtMs.size > 100) this.#saidAtMs.clear();
    this.#saidAtMs.set(reason, nowMs);
    this.#parts.node.log('warn', `an image cannot be used: ${reason}`);
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
