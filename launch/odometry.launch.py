# SPDX-License-Identifier: MIT
"""Odometry from one camera.

    ros2 launch qpvo odometry.launch.py image:=/camera/image_raw precision:=auto

An argument that is left empty is not set, so that the parameters file, or the default of the node, holds.
"""

from pathlib import Path

from ament_index_python.packages import get_package_share_directory
from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, OpaqueFunction
from launch.substitutions import Command, LaunchConfiguration
from launch_ros.actions import Node
from launch_ros.parameter_descriptions import ParameterValue


def flag(text):
    """Read "true" or "false"."""
    if text.lower() not in ('true', 'false'):
        raise RuntimeError(f'expected true or false, but received "{text}"')
    return text.lower() == 'true'


def numbers(text):
    """Read numbers with spaces or commas between them."""
    return [float(word) for word in text.strip('[]').replace(',', ' ').split()]


# Launch arguments that are parameters of the node: how to read them, their default, and what they are.
PARAMETERS = {
    'precision': (str, 'auto', 'profile: auto, one of config/profiles (orin_int8, desktop_fp16, ...), or a yaml file'),
    'image_transport': (str, '', 'raw or compressed'),
    'rectified_images': (flag, '', 'the images are rectified already (image_proc)'),
    'camera_file': (str, '', 'calibration file, instead of the topic camera_info'),
    'base_frame': (str, '', 'frame of the robot (base_link)'),
    'odom_frame': (str, '', 'frame in which the robot moves (odom)'),
    'base_to_camera': (numbers, '', 'base_frame to optical frame, "x y z roll pitch yaw", instead of /tf_static'),
    'publish_odom_to_base_tf': (flag, '', 'false: another node, such as an EKF, publishes odom to base_link'),
    'scale': (float, '', 'metres per unit of the odometry, when known'),
    'scale_source': (str, '', 'none, or odometry or twist: metric scale from the topics scale_odometry or scale_twist'),
    'autostart': (flag, '', 'false: a lifecycle manager configures and activates the node'),
}

# Other launch arguments.
SETTINGS = {
    'namespace': ('', 'namespace of the node'),
    'name': ('qpvo', 'name of the node'),
    'image': ('image', 'topic of the images; for compressed images without /compressed'),
    'camera_info': ('', 'topic of the calibration; empty: camera_info beside the images'),
    'scale_odometry': ('', 'topic of the wheel odometry (nav_msgs/Odometry), for scale_source:=odometry'),
    'scale_twist': ('', 'topic of the velocity (TwistStamped), for scale_source:=twist'),
    'scale_twist_with_covariance': ('', 'the same as TwistWithCovarianceStamped'),
    'odometry': ('', 'another name for the topic ~/odometry'),
    'params_file': ('', 'yaml file with parameters of the node'),
    'use_sim_time': ('false', 'time from the topic /clock'),
    'urdf': ('', 'urdf or xacro file of the robot, for robot_state_publisher'),
    'rviz': ('false', 'show the result in RViz'),
    'respawn': ('false', 'start the node again when it ends'),
    'log_level': ('info', 'debug, info, warn or error'),
}

# Launch arguments that rename topics of the node.
TOPICS = {
    'image': 'image',
    'camera_info': 'camera_info',
    'scale_odometry': 'scale_odometry',
    'scale_twist': 'scale_twist',
    'scale_twist_with_covariance': 'scale_twist_with_covariance',
    'odometry': '~/odometry',
}


def value(context, name):
    """Value of a launch argument, as text."""
    return LaunchConfiguration(name).perform(context)


def node_parameters(context):
    """Parameters file first; arguments that are given win over it."""
    given = {'use_sim_time': flag(value(context, 'use_sim_time'))}
    for name, (read, _, text) in PARAMETERS.items():
        written = value(context, name)
        if written == '' or (name == 'precision' and written == 'auto'):
            continue
        try:
            given[name] = read(written)
        except (RuntimeError, ValueError) as error:
            raise RuntimeError(f'{name}:={written} cannot be read: {error}; it is: {text}') from error
    params_file = value(context, 'params_file')
    if params_file and not Path(params_file).is_file():
        raise RuntimeError(f'params_file:={params_file}: there is no such file')
    return ([params_file] if params_file else []) + [given]


def odometry_node(context):
    """The node itself."""
    return Node(
        package='qpvo',
        executable='qpvo_node',
        name=value(context, 'name'),
        namespace=value(context, 'namespace'),
        parameters=node_parameters(context),
        remappings=[(topic, value(context, name)) for name, topic in TOPICS.items() if value(context, name)],
        arguments=['--ros-args', '--log-level', value(context, 'log_level')],
        respawn=flag(value(context, 'respawn')),
        respawn_delay=2.0,
        output='screen',
    )


def robot_state_publisher(context):
    """Transforms of the robot's own parts, the camera among them."""
    urdf = value(context, 'urdf')
    description = Command(['xacro ', urdf]) if urdf.endswith('.xacro') else Path(urdf).read_text(encoding='utf-8')
    return Node(
        package='robot_state_publisher',
        executable='robot_state_publisher',
        namespace=value(context, 'namespace'),
        parameters=[
            {
                'robot_description': ParameterValue(description, value_type=str),
                'use_sim_time': flag(value(context, 'use_sim_time')),
            }
        ],
    )


def rviz(context):
    """RViz, its topics renamed to those of this node."""
    node = '/'.join(['', *value(context, 'namespace').strip('/').split('/'), value(context, 'name')]).replace('//', '/')
    topics = ['odometry', 'path', 'points', 'debug_image']
    targets = {topic: f'{node}/{topic}' for topic in topics}
    if value(context, 'odometry'):
        targets['odometry'] = value(context, 'odometry')
    return Node(
        package='rviz2',
        executable='rviz2',
        arguments=['-d', str(Path(get_package_share_directory('qpvo')) / 'config' / 'rviz' / 'qpvo.rviz')],
        remappings=[(f'/qpvo/{topic}', target) for topic, target in targets.items() if target != f'/qpvo/{topic}'],
        parameters=[{'use_sim_time': flag(value(context, 'use_sim_time'))}],
    )


def start(context):
    """All nodes that are asked for."""
    nodes = [odometry_node(context)]
    if value(context, 'urdf'):
        nodes.append(robot_state_publisher(context))
    if flag(value(context, 'rviz')):
        nodes.append(rviz(context))
    return nodes


def generate_launch_description():
    """Arguments, then the nodes."""
    described = {name: (default, text) for name, (_, default, text) in PARAMETERS.items()} | SETTINGS
    arguments = [
        DeclareLaunchArgument(name, default_value=default, description=text)
        for name, (default, text) in described.items()
    ]
    return LaunchDescription([*arguments, OpaqueFunction(function=start)])
