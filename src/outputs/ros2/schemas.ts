// SPDX-License-Identifier: MIT
// Definitions of the ROS 2 messages that are written, in the "ros2msg" form of MCAP: the message, then each message it is made of.
// Field names, types and order are those of the ROS 2 packages common_interfaces and geometry2.

const TIME = 'int32 sec\nuint32 nanosec\n';
const HEADER = 'builtin_interfaces/Time stamp\nstring frame_id\n';
const POINT = 'float64 x\nfloat64 y\nfloat64 z\n';
const QUATERNION = 'float64 x 0\nfloat64 y 0\nfloat64 z 0\nfloat64 w 1\n';
const POSE = 'Point position\nQuaternion orientation\n';

const PARTS = {
  'builtin_interfaces/Time': TIME,
  'std_msgs/Header': HEADER,
  'geometry_msgs/Point': POINT,
  'geometry_msgs/Vector3': POINT,
  'geometry_msgs/Quaternion': QUATERNION,
  'geometry_msgs/Pose': POSE,
  'geometry_msgs/PoseStamped': 'std_msgs/Header header\nPose pose\n',
  'geometry_msgs/PoseWithCovariance': 'Pose pose\nfloat64[36] covariance\n',
  'geometry_msgs/Twist': 'Vector3 linear\nVector3 angular\n',
  'geometry_msgs/TwistWithCovariance': 'Twist twist\nfloat64[36] covariance\n',
  'geometry_msgs/Transform': 'Vector3 translation\nQuaternion rotation\n',
  'geometry_msgs/TransformStamped': 'std_msgs/Header header\nstring child_frame_id\nTransform transform\n',
  'sensor_msgs/PointField':
    'uint8 INT8=1\nuint8 UINT8=2\nuint8 INT16=3\nuint8 UINT16=4\nuint8 INT32=5\nuint8 UINT32=6\nuint8 FLOAT32=7\nuint8 FLOAT64=8\n' +
    'string name\nuint32 offset\nuint8 datatype\nuint32 count\n',
} as const;

type Part = keyof typeof PARTS;

const POSE_PARTS: Part[] = ['geometry_msgs/Pose', 'geometry_msgs/Point', 'geometry_msgs/Quaternion'];
const HEADER_PARTS: Part[] = ['std_msgs/Header', 'builtin_interfaces/Time'];

function schema(definition: string, parts: Part[]): string {
  const separator = '='.repeat(80);
  return [definition, ...parts.map((name) => `${separator}\nMSG: ${name}\n${PARTS[name]}`)].join('');
}

/** Schema text by full type name. */
export const ROS2_SCHEMAS = {
  'nav_msgs/msg/Odometry': schema(
    'std_msgs/Header header\nstring child_frame_id\ngeometry_msgs/PoseWithCovariance pose\ngeometry_msgs/TwistWithCovariance twist\n',
    [
      ...HEADER_PARTS,
      'geometry_msgs/PoseWithCovariance',
      ...POSE_PARTS,
      'geometry_msgs/TwistWithCovariance',
      'geometry_msgs/Twist',
      'geometry_msgs/Vector3',
    ],
  ),
  'tf2_msgs/msg/TFMessage': schema('geometry_msgs/TransformStamped[] transforms\n', [
    'geometry_msgs/TransformStamped',
    ...HEADER_PARTS,
    'geometry_msgs/Transform',
    'geometry_msgs/Vector3',
    'geometry_msgs/Quaternion',
  ]),
  'geometry_msgs/msg/PoseStamped': schema('std_msgs/Header header\nPose pose\n', [...HEADER_PARTS, ...POSE_PARTS]),
  'nav_msgs/msg/Path': schema('std_msgs/Header header\ngeometry_msgs/PoseStamped[] poses\n', [
    ...HEADER_PARTS,
    'geometry_msgs/PoseStamped',
    ...POSE_PARTS,
  ]),
  'sensor_msgs/msg/PointCloud2': schema(
    'std_msgs/Header header\nuint32 height\nuint32 width\nPointField[] fields\nbool is_bigendian\nuint32 point_step\nuint32 row_step\nuint8[] data\nbool is_dense\n',
    [...HEADER_PARTS, 'sensor_msgs/PointField'],
  ),
} as const;

export type Ros2Type = keyof typeof ROS2_SCHEMAS;
