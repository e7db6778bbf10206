// SPDX-License-Identifier: MIT
// The program of the ROS 2 node: `ros2 run qpvo qpvo_node`.
import { exitCodeOf } from '../cli/exitCode.ts';
import { packageVersion } from '../packageRoot.ts';
import { nodeOverrides } from './arguments/nodeOverrides.ts';
import { parseRosArguments, type RosArguments } from './arguments/parseRosArguments.ts';
import { OdometryNode } from './OdometryNode.ts';
import type { RosParameterValue } from './RosNode.ts';
import type { RclNode } from './rclnodejs/RclNode.ts';
import { RclSession } from './rclnodejs/RclSession.ts';
import { type NodeProgram, runNode } from './runNode.ts';

const NAME = 'qpvo';

const HELP = `qpvo_node ${packageVersion()}: visual odometry of one camera as a ROS 2 lifecycle node

Usage: qpvo_node [--ros-args ...]

Reads image and camera_info, publishes ~/odometry, /tf and more (docs/ros.md); parameters are listed in docs/parameters.md.

Examples:
  ros2 run qpvo qpvo_node --ros-args -r image:=/camera/image_raw
  ros2 run qpvo qpvo_node --ros-args -r __ns:=/front --params-file qpvo.yaml -p precision:=cpu_realtime`;

async function main(args: string[]): Promise<number> {
  const found = parseRosArguments(args);
  if (found.rest.includes('--version')) console.log(packageVersion());
  else if (found.rest.includes('--help') || found.rest.includes('-h')) console.log(HELP);
  else return runNode(programOf(args, found), process, endAtOnce);
  return 0;
}

function programOf(args: string[], found: RosArguments): NodeProgram<RclNode> {
  return {
    open: async () => {
      const session = await RclSession.open(args);
      try {
        // Lists of texts stay among them: whoever declares a parameter of that name refuses them with a reason.
        const overridesOf = (fullName: string) =>
          nodeOverrides(found, fullName) as ReadonlyMap<string, unknown> as ReadonlyMap<string, RosParameterValue>;
        const node = session.lifecycleNode(NAME, overridesOf);
        return { node, spin: () => node.spin(), close: () => session.close() };
      } catch (error) {
        session.close();
        throw error;
      }
    },
    makeLogic: (node) => {
      if (found.rest.length > 0) node.log('warn', `ignored arguments: ${found.rest.join(' ')}`);
      return new OdometryNode(node);
    },
  };
}

function endAtOnce(reason: string): void {
  console.error(`qpvo: ending at once: ${reason}`);
  process.exit(1);
}

// ROS and the networks keep threads that would hold the process.
process.exit(await main(process.argv.slice(2)).catch(exitCodeOf));
