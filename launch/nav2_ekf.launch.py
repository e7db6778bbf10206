# SPDX-License-Identifier: MIT
"""Odometry for Nav2 by way of robot_localization: its EKF fuses the velocity of qpvo and publishes odom to base_link.

    ros2 launch qpvo nav2_ekf.launch.py image:=/cam/image_raw scale_source:=odometry scale_odometry:=/wheel/odom

The velocity must be metric, so the scale must be known: set scale or scale_source. All arguments of odometry.launch.py
hold here too.
"""

from pathlib import Path

from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, IncludeLaunchDescription, LogInfo, OpaqueFunction
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node

HERE = Path(__file__).parent
UNSCALED = (
    'qpvo: neither scale nor scale_source is given here. One camera does not know metres: unless the parameters file '
    'sets one of them, or ~/set_scale is called, the velocity in the EKF is right up to a factor only.'
)


def ekf(context):
    """The filter of robot_localization, fed with ~/odometry."""

    def value(name):
        return LaunchConfiguration(name).perform(context)

    topic = value('odometry') or f'{value("name")}/odometry'
    filter_node = Node(
        package='robot_localization',
        executable='ekf_node',
        name='ekf_filter_node',
        namespace=value('namespace'),
        parameters=[
            value('ekf_file'),
            {
                'odom0': topic,
                'odom_frame': value('odom_frame') or 'odom',
                'world_frame': value('odom_frame') or 'odom',
                'base_link_frame': value('base_frame') or 'base_link',
                'use_sim_time': value('use_sim_time').lower() == 'true',
            },
        ],
        output='screen',
    )
    is_scaled = value('scale') or value('scale_source') not in ('', 'none')
    return ([] if is_scaled else [LogInfo(msg=UNSCALED)]) + [filter_node]


def generate_launch_description():
    """The node without TF of its own, and the filter."""
    ekf_file = DeclareLaunchArgument(
        'ekf_file',
        default_value=str(HERE.parent / 'config' / 'ekf.yaml'),
        description='yaml file with parameters of the EKF',
    )
    odometry = IncludeLaunchDescription(
        PythonLaunchDescriptionSource(str(HERE / 'odometry.launch.py')),
        launch_arguments={'publish_odom_to_base_tf': 'false'}.items(),
    )
    return LaunchDescription([ekf_file, odometry, OpaqueFunction(function=ekf)])
