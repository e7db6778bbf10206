// SPDX-License-Identifier: MIT
// A node whose every callback throws once it is asked to: what reaches rclnodejs would abort the process.
import { encodeClock } from '../../src/messages/ros2/encode.ts';
import { nodeOverrides } from '../../src/ros/arguments/nodeOverrides.ts';
import { parseRosArguments } from '../../src/ros/arguments/parseRosArguments.ts';
import type { RosNode, RosParameterValue } from '../../src/ros/RosNode.ts';
import { RclSession } from '../../src/ros/rclnodejs/RclSession.ts';
import { runNode } from '../../src/ros/runNode.ts';
import { QOS_RELIABLE } from '../../src/ros/topicQos.ts';

const args = process.argv.slice(2);

function broken(what: string): never {
  throw new Error(`broken ${what}`);
}

function start(node: RosNode): void {
  node.log('info', `overrides ${JSON.stringify([...node.overrides])}`);
  const range = [0, 10] as const;
  const more = { description: 'of a test', integer: false, readOnly: false, range: undefined };
  node.declare(
    [
      { ...more, name: 'gain', value: 1.5, range },
      { ...more, name: 'count', value: 3, integer: true, range },
      { ...more, name: 'numbers', value: [] },
      { ...more, name: 'text', value: 'a' },
    ],
    (changes) => (changes.get('text') === 'throw' ? broken('parameter') : ''),
  );
  node.manage({
    onConfigure: () => true,
    onActivate: () => broken('transition'),
    onDeactivate: () => true,
    onCleanup: () => true,
    onShutdown: () => true,
  });
  const out = node.advertise('rosgraph_msgs/msg/Clock', '~/out', QOS_RELIABLE);
  node.subscribe('rosgraph_msgs/msg/Clock', '~/in', QOS_RELIABLE, () => broken('subscription'));
  node.subscribe('rosgraph_msgs/msg/Clock', '~/echo', QOS_RELIABLE, (cdr) => out.publish(cdr));
  node.serve('std_srvs/srv/Trigger', '~/fail', () => broken('service'));
  node.serve('std_srvs/srv/Trigger', '~/fail_later', async () => broken('promise'));
  node.serve('std_srvs/srv/Trigger', '~/now', () => ({ success: true, message: `${node.nowNs()}` }));
  setInterval(() => out.publish(encodeClock(7_000_000_009n)), 100).unref();
  node.log('info', 'ready');
}

const exitCode = await runNode(
  {
    open: async () => {
      const session = await RclSession.open(args);
      const overridesOf = (fullName: string) =>
        nodeOverrides(parseRosArguments(args), fullName) as Map<string, RosParameterValue>;
      const node = session.lifecycleNode('faulty', overridesOf);
      return { node, spin: () => node.spin(), close: () => session.close() };
    },
    makeLogic: (node) => ({ start: () => start(node), close: async () => undefined }),
  },
  process,
  () => process.exit(3),
);
process.exit(exitCode);
