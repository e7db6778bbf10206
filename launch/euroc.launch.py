# SPDX-License-Identifier: MIT
"""Odometry from a recording that is played as topics: EuRoC / ASL folder, bag (.mcap, .db3, .bag), folder of images.

    ros2 launch qpvo euroc.launch.py source:=MH_01_easy rviz:=true

All arguments of odometry.launch.py hold here too.
"""

from pathlib import Path

from ament_index_python.packages import get_package_prefix
from launch import LaunchDescription
from launch.actions import (
    DeclareLaunchArgument,
    EmitEvent,
    ExecuteProcess,
    IncludeLaunchDescription,
    OpaqueFunction,
    RegisterEventHandler,
)
from launch.event_handlers import OnProcessExit
from launch.events import Shutdown
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration

SETTINGS = {
    'source': (None, 'EuRoC / ASL folder, bag, or folder of images with a camera.yaml'),
    'rate': ('1', 'speed: 1 as recorded, 2 twice as fast'),
    'loop': ('false', 'begin again at the end'),
    'topic': ('', 'topic of the images in a bag that holds several'),
    'exit_at_end': ('false', 'end everything when the recording ends'),
    'base_to_camera': ('', 'base_link to optical frame, "x y z roll pitch yaw"; empty: as the recording says'),
}


def play(context):
    """`qpvo publish` in the namespace of the node, with its time as /clock."""

    def value(name):
        return LaunchConfiguration(name).perform(context)

    command = [str(Path(get_package_prefix('qpvo')) / 'lib' / 'qpvo' / 'qpvo'), 'publish', value('source')]
    command += ['--clock', '--wait-for-subscribers', '--rate', value('rate')]
    if value('loop').lower() == 'true':
        command.append('--loop')
    options = {
        'topic': '--topic',
        'namespace': '--namespace',
        'image': '--image-topic',
        'base_frame': '--base-frame',
        'base_to_camera': '--base-to-camera',
    }
    for name, option in options.items():
        if value(name):
            command += [option, value(name)]
    player = ExecuteProcess(cmd=command, output='screen')
    if value('exit_at_end').lower() != 'true':
        return [player]
    end = RegisterEventHandler(OnProcessExit(target_action=player, on_exit=[EmitEvent(event=Shutdown())]))
    return [end, player]


def generate_launch_description():
    """The node with simulated time, and the player."""
    arguments = [
        DeclareLaunchArgument(name, default_value=default, description=text)
        for name, (default, text) in SETTINGS.items()
    ]
    odometry = IncludeLaunchDescription(
        PythonLaunchDescriptionSource(str(Path(__file__).parent / 'odometry.launch.py')),
        launch_arguments={'use_sim_time': 'true'}.items(),
    )
    return LaunchDescription([*arguments, odometry, OpaqueFunction(function=play)])
