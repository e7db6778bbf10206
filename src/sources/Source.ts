// SPDX-License-Identifier: MIT
import type { CameraCalibration } from '../camera/CameraCalibration.ts';
import type { Pose, StampedPose } from '../odometry/Pose.ts';

/** Pixel encodings by their ROS names (sensor_msgs/image_encodings). */
export type PixelEncoding =
  | 'mono8'
  | 'mono16'
  | 'rgb8'
  | 'bgr8'
  | 'rgba8'
  | 'bgra8'
  | 'bayer_rggb8'
  | 'bayer_bggr8'
  | 'bayer_gbrg8'
  | 'bayer_grbg8'
  | 'yuv422'
  | 'yuv422_yuy2';

/**
 * One camera image as it arrived, not yet undistorted.
 * `data` is borrowed: it is valid until the next frame is taken from the same source.
 */
export interface ImageFrame {
  /** Time of exposure, nanoseconds. */
  stampNs: bigint;
  width: number;
  height: number;
  encoding: PixelEncoding;
  /** Bytes from one row to the next; at least width x bytes per pixel. */
  step: number;
  /** Byte order of 16-bit encodings. */
  isBigEndian: boolean;
  data: Uint8Array;
}

/** A place in the stream where an image could not be had; the stream goes on after it. */
export interface FrameFault {
  stampNs: bigint | undefined;
  fault: string;
  /** The container could not be read beyond this place: the last item, and no image. */
  isEnd?: true;
}

/** What a source yields: an image, or the reason why there is none at this place. */
export type SourceItem = ImageFrame | FrameFault;

export interface FrameRange {
  /** Skip this many seconds from the first image. */
  startS?: number;
  /** Stop this many seconds after the first image. */
  endS?: number;
  /** Take every n-th image (after start). */
  stride?: number;
}

export interface TopicInfo {
  topic: string;
  type: string;
  messageCount: number | undefined;
}

export interface SourceInfo {
  /** Human name of the container, such as "EuRoC / ASL folder" or "MCAP". */
  kind: string;
  path: string;
  /** Number of images of the chosen topic, when it is known without reading everything. */
  imageCount: number | undefined;
  firstStampNs: bigint | undefined;
  lastStampNs: bigint | undefined;
  imageTopic: string | undefined;
  cameraInfoTopic: string | undefined;
  /** Size and encoding of the first image. */
  width: number | undefined;
  height: number | undefined;
  encoding: string | undefined;
  topics: TopicInfo[];
}

export interface SourceOptions {
  /** Image topic of a bag; found by itself when there is one candidate. */
  topic?: string;
  /** Leave the calibration that the source holds alone, because another one is used: it may be missing, wrong or damaged. */
  skipCalibration?: boolean;
}

/** A recorded image sequence. One implementation per container, chosen by content (openSource). */
export interface Source {
  readonly info: SourceInfo;
  /** Calibration found in the source itself; undefined when it has none. */
  readonly calibration: CameraCalibration | undefined;
  /** Ground truth of the camera (T_world_camera, metres), oldest first; undefined when the source has none. */
  readonly groundTruth: StampedPose[] | undefined;
  /** Where the camera, in its optical frame, sits on the body that carried it; undefined or absent when the source does not say. */
  readonly T_body_camera?: Pose | undefined;
  /**
   * The images in recorded order. Memory does not grow with the length of the recording. Stamps are passed on as recorded, also when they
   * repeat or go back. A damaged image is yielded as FrameFault; a container damaged beyond reading on ends the iteration with a last
   * FrameFault that has isEnd.
   */
  frames(range?: FrameRange): AsyncIterableIterator<SourceItem>;
  close(): Promise<void>;
}
