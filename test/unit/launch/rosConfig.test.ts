// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');
const sources = readdirSync(join(ROOT, 'src/ros'))
  .filter((name) => name.endsWith('.ts'))
  .map((name) => read(`src/ros/${name}`))
  .join('\n');

/** The QoS with which the node advertises a topic of its own. */
const qosOf = (topic: string) => new RegExp(`'~/${topic}', (QOS_\\w+)`).exec(sources)?.[1];

interface Display {
  Class: string;
  Topic?: { Value: string; 'Reliability Policy': string; 'Durability Policy': string };
}

describe('configuration for ROS tools', () => {
  it('RViz shows topics of the node, with QoS that fits', () => {
    const rviz = parse(read('config/rviz/qpvo.rviz')) as {
      'Visualization Manager': { Displays: Display[]; 'Global Options': Record<string, unknown> };
    };
    const manager = rviz['Visualization Manager'];
    assert.equal(manager['Global Options']['Fixed Frame'], 'odom');
    const shown = manager.Displays.flatMap(({ Topic }) => (Topic === undefined ? [] : [Topic]));
    assert.equal(shown.length, 4);
    for (const topic of shown) {
      const qos = qosOf(topic.Value.replace('/qpvo/', ''));
      assert.ok(qos !== undefined, `the node has ${topic.Value}`);
      assert.equal(topic['Reliability Policy'], qos === 'QOS_VIEW' ? 'Best Effort' : 'Reliable', topic.Value);
      assert.equal(topic['Durability Policy'], qos === 'QOS_LATCHED' ? 'Transient Local' : 'Volatile', topic.Value);
    }
  });

  it('the Foxglove layout shows topics of the node and fields of its status', () => {
    const text = read('config/foxglove/qpvo.json');
    const layout = JSON.parse(text) as { configById: Record<string, unknown>; layout: unknown };
    const named = new Set([...text.matchAll(/\/qpvo\/(\w+)/g)].map((match) => match[1]!));
    assert.deepEqual([...named].sort(), ['debug_image', 'odometry', 'path', 'points', 'status']);
    for (const topic of named) assert.ok(qosOf(topic) !== undefined, `the node has ~/${topic}`);
    const fields = read('msg/OdometryStatus.msg');
    for (const [, field] of text.matchAll(/\/qpvo\/status\.(\w+)/g)) {
      assert.match(fields, new RegExp(`^\\w+(\\[\\])? ${field}$`, 'm'));
    }
    const panels = JSON.stringify(layout.layout).match(/"[\w]+![\w]+"/g) ?? [];
    assert.deepEqual(panels.map((panel) => JSON.parse(panel) as string).sort(), Object.keys(layout.configById).sort());
  });

  it('the EKF takes the velocity of a robot on a floor, and owns the transform', () => {
    const ekf = parse(read('config/ekf.yaml')) as Record<string, { ros__parameters: Record<string, unknown> }>;
    const parameters = ekf['/**']!.ros__parameters;
    const axes = 'x y z roll pitch yaw vx vy vz vroll vpitch vyaw ax ay az'.split(' ');
    const fused = parameters.odom0_config as boolean[];
    assert.equal(fused.length, axes.length);
    assert.deepEqual(
      axes.filter((_, axis) => fused[axis]),
      ['vx', 'vy', 'vyaw'],
    );
    assert.equal(parameters.publish_tf, true);
    assert.equal(parameters.world_frame, parameters.odom_frame);
    assert.match(read('launch/nav2_ekf.launch.py'), /'publish_odom_to_base_tf': 'false'/);
  });
});
