// SPDX-License-Identifier: MIT
import { choice, flag, integer, number, numbers, type ParameterSpec, text, type ValueOf } from './parameterSpec.ts';

const START = 'Profile and start';
const CAMERA = 'Camera';
const FRAMES = 'Frames and transforms';
const LOSS = 'Lost tracking';
const SCALE = 'Scale';
const UNCERTAINTY = 'Uncertainty';
const TOPICS = 'Topics and rates';

/** Names of the QoS profiles of ROS 2, and whether each asks for every message. */
export const QOS_PROFILES = {
  SENSOR_DATA: 'best_effort',
  DEFAULT: 'reliable',
  SYSTEM_DEFAULT: 'reliable',
  SERVICES_DEFAULT: 'reliable',
  PARAMETERS: 'reliable',
  PARAMETER_EVENTS: 'reliable',
} as const;

const QOS_NAMES = Object.keys(QOS_PROFILES) as (keyof typeof QOS_PROFILES)[];

/** Periods and rates that are 0 switch their topic off, or leave it to every frame, as their text says. */
const PERIOD_S = [0, 3600] as const;

/**
 * Every parameter of the ROS 2 node besides those of the odometry, and its default, written once. The names that exist elsewhere are those of isaac_ros_visual_slam and
 * rtabmap_odom.
 */
export const NODE_PARAMETERS = {
  precision: text('auto', {
    group: START,
    text: 'Profile: its name, the path of a .yaml file, or auto, which chooses by the machine and says what and why. One that cannot run here is refused.',
  }),
  model: text('', { group: START, text: 'Model by name or folder; empty takes that of the profile.' }),
  autostart: flag(true, {
    group: START,
    text: 'Configure and activate at start. Set it to false when a lifecycle manager does that.',
  }),

  image_transport: choice('raw', ['raw', 'compressed'], {
    group: CAMERA,
    text: 'Which topic is read: that of the images, or the one beside it that ends in /compressed (JPEG, PNG).',
  }),
  image_qos: choice('SENSOR_DATA', QOS_NAMES, {
    group: CAMERA,
    text: 'QoS profile of the image and camera_info subscriptions. SENSOR_DATA reads from every publisher, the others only from reliable ones.',
  }),
  image_qos_depth: integer(1, [1, 1000], {
    group: CAMERA,
    unit: 'images',
    text: 'Images that the middleware keeps. The odometry always takes the newest; more only helps a recording that must be read whole.',
  }),
  rectified_images: flag(false, {
    group: CAMERA,
    text: 'The images are rectified (image_proc): the camera matrix is taken from P of camera_info, without distortion.',
  }),
  camera_file: text('', {
    group: CAMERA,
    text: 'Calibration file instead of camera_info (ASL sensor.yaml, ROS camera_info or Kalibr yaml).',
  }),
  camera_timeout_s: number(2, [0.05, 3600], {
    group: CAMERA,
    unit: 's',
    text: 'Without a usable image for this long, diagnostics report an error and the status is LOST.',
  }),

  odom_frame: text('odom', { group: FRAMES, text: 'Frame of the odometry.' }),
  base_frame: text('base_link', { group: FRAMES, text: 'Frame of the robot whose pose is published.' }),
  camera_optical_frame: text('', {
    group: FRAMES,
    text: 'Optical frame of the camera (x right, y down, z forward); empty takes that of the image header.',
  }),
  base_to_camera: numbers([], [0, 6, 7], {
    group: FRAMES,
    unit: 'm, rad',
    text: 'Pose of the optical frame in base_frame: x y z roll pitch yaw, or x y z qx qy qz qw. Empty takes it from /tf_static.',
  }),
  tf_timeout_s: number(5, [0, 3600], {
    group: FRAMES,
    unit: 's',
    text: 'After waiting this long for the transform to the camera, the node says what is missing. It goes on waiting.',
  }),
  publish_odom_to_base_tf: flag(true, {
    group: FRAMES,
    text: 'Publish odom_frame -> base_frame on /tf. Set it to false when a filter (robot_localization) owns that transform.',
  }),
  invert_odom_to_base_tf: flag(false, {
    group: FRAMES,
    text: 'Publish the transform as base_frame -> odom_frame, for a tree in which base_frame has another parent.',
  }),
  override_publishing_stamp: flag(false, {
    group: FRAMES,
    text: 'Stamp messages with the time of publication instead of that of the image.',
  }),

  lost_policy: choice('hold', ['hold', 'publish_null_when_lost', 'silent'], {
    group: LOSS,
    text: 'While tracking is lost: hold repeats the last pose with covariance 9999; publish_null_when_lost sends a null pose with covariance 9999 and no transform; silent sends neither odometry nor transform.',
  }),

  scale: number(0, [0, 1e6], {
    group: SCALE,
    unit: 'm per unit',
    text: 'Metres per unit of the visual trajectory, when known; it holds for the segment it is set in, from the start for the first. 0: unknown; one unit is published as one metre (or by the last known factor) and the status says UNSCALED.',
  }),
  scale_source: choice('none', ['none', 'odometry', 'twist'], {
    group: SCALE,
    text: 'Estimate the scale from wheel odometry: from poses (nav_msgs/Odometry) or from velocities (TwistStamped, TwistWithCovarianceStamped).',
  }),
  scale_window_s: number(2, [0.1, 60], {
    group: SCALE,
    unit: 's',
    text: 'Length of the stretches whose way is compared with the reference.',
  }),
  scale_min_distance_m: number(0.3, [0.001, 1000], {
    group: SCALE,
    unit: 'm',
    text: 'A stretch counts only when the reference moved the camera at least this far.',
  }),

  covariance_inflation: number(4, [0, 1e9], {
    group: UNCERTAINTY,
    text: 'Factor on the covariance of bundle adjustment. Measured on EuRoC (bench/results/covariance.json): 1 and the growth below are right on average; the default doubles the standard deviation.',
  }),
  drift_position_per_metre: number(0.02, [0, 10], {
    group: UNCERTAINTY,
    unit: 'm per m',
    text: 'Growth of the standard deviation of the position with the way travelled. Measured: 0.011 on EuRoC, three to four times that on TartanAir.',
  }),
  drift_rotation_per_metre_rad: number(0.003, [0, 10], {
    group: UNCERTAINTY,
    unit: 'rad per m',
    text: 'Growth of the standard deviation of the rotation with the way travelled. Measured: 0.0013 on EuRoC, three to four times that on TartanAir.',
  }),
  covariance_position_floor_m: number(0.005, [1e-6, 1000], {
    group: UNCERTAINTY,
    unit: 'm',
    text: 'Least standard deviation of the position.',
  }),
  covariance_rotation_floor_rad: number(0.002, [1e-6, 10], {
    group: UNCERTAINTY,
    unit: 'rad',
    text: 'Least standard deviation of the rotation.',
  }),

  path_max_size: integer(1024, [0, 100000], {
    group: TOPICS,
    unit: 'poses',
    text: 'Poses in ~/path; the oldest leave. 0 publishes no path.',
  }),
  path_period_s: number(0, PERIOD_S, {
    group: TOPICS,
    unit: 's',
    text: 'Time between two paths; 0 sends one with every pose. Only while somebody subscribes.',
  }),
  points_max: integer(20000, [0, 10000000], {
    group: TOPICS,
    unit: 'points',
    text: 'Points in ~/points; the oldest leave. 0 publishes none.',
  }),
  points_period_s: number(1, PERIOD_S, {
    group: TOPICS,
    unit: 's',
    text: 'Time between two clouds; 0 sends one with every frame. Only while somebody subscribes.',
  }),
  debug_image_rate_hz: number(5, [0, 1000], {
    group: TOPICS,
    unit: 'Hz',
    text: 'Most debug images per second; 0 sends none. Only while somebody subscribes.',
  }),
  diagnostics_period_s: number(1, [0.05, 3600], {
    group: TOPICS,
    unit: 's',
    text: 'Time between two messages on /diagnostics.',
  }),
} as const satisfies Record<string, ParameterSpec>;

export type NodeParameterName = keyof typeof NODE_PARAMETERS;

/** All parameters of the node with their values. */
export type NodeParameters = { -readonly [K in NodeParameterName]: ValueOf<(typeof NODE_PARAMETERS)[K]> };

export const NODE_PARAMETER_NAMES = Object.keys(NODE_PARAMETERS) as NodeParameterName[];

/** The values of the table. */
export function defaultNodeParameters(): NodeParameters {
  return Object.fromEntries(
    NODE_PARAMETER_NAMES.map((name) => [name, NODE_PARAMETERS[name].default]),
  ) as unknown as NodeParameters;
}

/** Parameters that may change while the node is configured; the others take effect at the next configure. */
export const LIVE_PARAMETERS: ReadonlySet<string> = new Set<NodeParameterName>([
  'camera_timeout_s',
  'publish_odom_to_base_tf',
  'invert_odom_to_base_tf',
  'override_publishing_stamp',
  'lost_policy',
  'scale',
  'covariance_inflation',
  'drift_position_per_metre',
  'drift_rotation_per_metre_rad',
  'covariance_position_floor_m',
  'covariance_rotation_floor_rad',
  'path_max_size',
  'path_period_s',
  'points_period_s',
  'debug_image_rate_hz',
  'diagnostics_period_s',
]);
