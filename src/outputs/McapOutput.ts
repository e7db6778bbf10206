// SPDX-License-Identifier: MIT
import {
  diagonalCovariance,
  encodeOdometry,
  encodePath,
  encodePointCloud,
  encodePoseStamped,
  encodeTransforms,
} from '../messages/ros2/encode.ts';
import type { Pose, StampedPose } from '../odometry/Pose.ts';
import { compose, meanTwist, rotate, type Tangent } from '../odometry/se3.ts';
import type { FinalPose, FinishResult, MapPoint, TrackResult } from '../odometry/types.ts';
import { DecimatedList } from './DecimatedList.ts';
import { McapFile } from './McapFile.ts';
import type { Output } from './Output.ts';
import type { OutputContext } from './OutputContext.ts';
import type { RunSummary } from './RunSummary.ts';
import { STATUS_SCHEMA, statusJson } from './statusSchema.ts';

const ODOM = 'odom';
const CAMERA = 'camera_optical';
/** The world of the odometry is the optical frame of the first camera; ROS wants x forward, y left, z up (REP 103): x = z, y = -x, z = -y. */
const T_odom_world: Pose = { t: [0, 0, 0], q: [-0.5, 0.5, -0.5, 0.5] };
/** Pose variance of a DEGRADED frame: do not use. Zeros, for TRACKING, mean unknown: a monocular estimate has no metric scale to be certain about. */
const USELESS = 9999;
const POSE_DEGRADED = diagonalCovariance(USELESS);
const UNKNOWN = diagonalCovariance(0);
/** Where there is no velocity, which is written as zeros. */
const NO_VELOCITY = diagonalCovariance([-1, 0, 0, 0, 0, 0]);
const PATH_POSES = 4096;
const POINTS_PER_MESSAGE = 4096;

type Channels = Record<'odometry' | 'tf' | 'status' | 'finalPose' | 'path' | 'points', number>;

/**
 * The run as an MCAP file for Foxglove and ROS 2 tools. Topics: /odometry and /tf (live estimate; nothing while there is none), /status (JSON),
 * /final_pose and /path (final poses; the path once at the end, thinned to 4096 poses), /points (final map points). Log time is the stamp of the image.
 */
export class McapOutput implements Output {
  readonly path: string;
  readonly #file: McapFile;
  readonly #channels: Channels;
  readonly #finalPoses = new DecimatedList<StampedPose>(PATH_POSES);
  #previous: { stampNs: bigint; segment: number; pose: Pose } | undefined;
  #lastStampNs = 0n;

  private constructor(file: McapFile, channels: Channels) {
    this.path = file.path;
    this.#file = file;
    this.#channels = channels;
  }

  static async create(path: string, context: OutputContext): Promise<McapOutput> {
    const file = await McapFile.create(path, context);
    const channels = {
      odometry: await file.addRos2Channel('/odometry', 'nav_msgs/msg/Odometry'),
      tf: await file.addRos2Channel('/tf', 'tf2_msgs/msg/TFMessage'),
      status: await file.addJsonChannel('/status', STATUS_SCHEMA.title, STATUS_SCHEMA),
      finalPose: await file.addRos2Channel('/final_pose', 'geometry_msgs/msg/PoseStamped'),
      path: await file.addRos2Channel('/path', 'nav_msgs/msg/Path'),
      points: await file.addRos2Channel('/points', 'sensor_msgs/msg/PointCloud2'),
    };
    await file.addMetadata('qpvo', {
      source: context.sourceName,
      frames: `${ODOM}: x forward, y left, z up of the first camera pose; ${CAMERA}: z forward, x right, y down`,
      scale: 'unknown, common within a segment',
      covariance: `0: unknown; ${USELESS}: tracking degraded; -1 first in twist: velocity unknown`,
    });
    return new McapOutput(file, channels);
  }

  async write(result: TrackResult): Promise<void> {
    if (result.stampNs > this.#lastStampNs) this.#lastStampNs = result.stampNs;
    await this.#file.addMessage(this.#channels.status, result.stampNs, Buffer.from(statusJson(result)));
    if (!result.skipped) await this.#writeLive(result);
    await this.#writeFinal(result.finalPoses, result.finalPoints);
  }

  async finish(end: FinishResult, summary: RunSummary): Promise<void> {
    await this.#writeFinal(end.finalPoses, end.finalPoints);
    if (this.#finalPoses.items.length > 0) {
      const path = encodePath(this.#lastStampNs, ODOM, this.#finalPoses.items);
      await this.#file.addMessage(this.#channels.path, this.#lastStampNs, path);
    }
    await this.#file.addMetadata('qpvo.summary', { json: JSON.stringify(summary) });
    await this.#file.close();
  }

  async #writeLive(result: TrackResult): Promise<void> {
    const { stampNs, segment, state, T_world_camera } = result;
    if (!T_world_camera) {
      this.#previous = undefined;
      return;
    }
    const pose = compose(T_odom_world, T_world_camera);
    const twist = this.#twist(stampNs, segment, pose);
    this.#previous = { stampNs, segment, pose };
    const odometry = encodeOdometry({
      stampNs,
      frame: ODOM,
      childFrame: CAMERA,
      pose,
      poseCovariance: state === 'DEGRADED' ? POSE_DEGRADED : UNKNOWN,
      twist: twist ?? [0, 0, 0, 0, 0, 0],
      twistCovariance: twist ? UNKNOWN : NO_VELOCITY,
    });
    await this.#file.addMessage(this.#channels.odometry, stampNs, odometry);
    const transform = encodeTransforms([{ stampNs, frame: ODOM, child: CAMERA, pose }]);
    await this.#file.addMessage(this.#channels.tf, stampNs, transform);
  }

  /** Mean velocity since the last frame, in the camera frame. */
  #twist(stampNs: bigint, segment: number, pose: Pose): Tangent | undefined {
    const before = this.#previous;
    if (!before || before.segment !== segment || stampNs <= before.stampNs) return undefined;
    const seconds = Number(stampNs - before.stampNs) / 1e9;
    return meanTwist(before.pose, pose, seconds);
  }

  async #writeFinal(poses: readonly FinalPose[], points: readonly MapPoint[]): Promise<void> {
    for (const { stampNs, T_world_camera } of poses) {
      const pose = { stampNs, ...compose(T_odom_world, T_world_camera) };
      this.#finalPoses.push(pose);
      await this.#file.addMessage(this.#channels.finalPose, stampNs, encodePoseStamped(ODOM, pose));
    }
    for (let first = 0; first < points.length; first += POINTS_PER_MESSAGE) {
      const turned = points.slice(first, first + POINTS_PER_MESSAGE).map(inOdom);
      await this.#file.addMessage(
        this.#channels.points,
        this.#lastStampNs,
        encodePointCloud(this.#lastStampNs, ODOM, turned),
      );
    }
  }
}

function inOdom(point: MapPoint): MapPoint {
  const [x, y, z] = rotate(T_odom_world.q, [point.x, point.y, point.z]);
  return { ...point, x, y, z };
}
