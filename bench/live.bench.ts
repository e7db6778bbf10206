// SPDX-License-Identifier: MIT
// The ROS 2 node over real topics: a recording at its own rate (20 Hz), for minutes. Needs a sourced ROS 2 with the messages of this package.

import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { numberOption } from '../src/cli/parseOptions.ts';
import { messageOf } from '../src/error.ts';
import { PathMessage } from '../src/messages/ros2/encode.ts';
import { packageRoot } from '../src/packageRoot.ts';
import { findUsablePackage } from '../src/ros/rclnodejs/loadRclnodejs.ts';
import type { RclEndpoints } from '../src/ros/rclnodejs/RclEndpoints.ts';
import { RclSession } from '../src/ros/rclnodejs/RclSession.ts';
import { QOS_RELIABLE } from '../src/ros/topicQos.ts';
import { benchmark } from './benchmark.ts';
import { LiveListener } from './live/LiveListener.ts';
import { LiveProcess } from './live/LiveProcess.ts';
import { mh05 } from './recordings.ts';
import { quantileOf } from './statistics.ts';
import { atLeast, atMost, plain, targetTable } from './targets.ts';

const MINUTES = 10;
const PROFILE = 'cpu_realtime';
const IDLE_S = 20;
/** Before this the node opens its networks and the first image initialises. */
const WARM_UP_S = 20;
const PATH_POSES = 1000;

await benchmark(
  'live',
  async ({ values }) => {
    const recording = await mh05();
    const obstacle = rosObstacle();
    if (recording === undefined || obstacle !== undefined) {
      if (obstacle !== undefined) console.log(`*** SKIPPED: ${obstacle} ***`);
      return undefined;
    }
    const minutes = numberOption('minutes', values.minutes, { least: 1 }) ?? MINUTES;
    const profile = values.profile ?? PROFILE;
    const env = { ...process.env, ROS_AUTOMATIC_DISCOVERY_RANGE: 'LOCALHOST' };
    Object.assign(process.env, env);
    const session = await RclSession.open([]);
    const observer = session.plainNode('qpvo_live_bench');
    const listener = new LiveListener(observer);
    observer.spin();
    const program = (path: string, ...args: string[]) => new LiveProcess([join(packageRoot(), path), ...args], env);
    const node = program('dist/ros/main.js', '--ros-args', '-p', `precision:=${profile}`);
    try {
      const idleCpu = await idleShare(node);
      const player = program('bin/qpvo.js', 'publish', recording.path, '--now', '--loop', '--wait-for-subscribers');
      try {
        const measured = await observe(listener, node, player, minutes);
        const pathMs = await pathCost(observer);
        const numbers = judge(measured, idleCpu, pathMs);
        console.log(`\n${recording.name} at 20 Hz, ${minutes} minutes, profile ${profile}\n\n${targetTable(numbers)}`);
        return { recording: recording.name, minutes, profile, numbers, states: Object.fromEntries(listener.states) };
      } finally {
        await player.end();
      }
    } finally {
      await node.end();
      session.close();
    }
  },
  { minutes: { type: 'string' }, profile: { type: 'string' } },
);

function rosObstacle(): string | undefined {
  try {
    findUsablePackage(process.env);
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}

/** Processor time over wall time while no image comes. */
async function idleShare(node: LiveProcess): Promise<number> {
  await sleep(5000);
  const before = node.cpuS();
  await sleep(1000 * IDLE_S);
  return (node.cpuS() - before) / IDLE_S;
}

interface Measured {
  listener: LiveListener;
  /** Resident memory every second. */
  rssMb: number[];
  cpuShare: number;
}

async function observe(
  listener: LiveListener,
  node: LiveProcess,
  player: LiveProcess,
  minutes: number,
): Promise<Measured> {
  await sleep(1000 * WARM_UP_S);
  for (const list of [listener.arrivalMs, listener.latencyMs, listener.loopDelayMs]) list.length = 0;
  const rssMb: number[] = [];
  const [startMs, cpuBefore] = [performance.now(), node.cpuS()];
  while (performance.now() - startMs < 60_000 * minutes) {
    await sleep(1000);
    if (!node.isRunning || !player.isRunning) throw new Error(`a process ended: ${node.said}\n${player.said}`);
    rssMb.push(node.rssMb());
  }
  const seconds = (performance.now() - startMs) / 1000;
  return { listener, rssMb, cpuShare: (node.cpuS() - cpuBefore) / seconds };
}

/** What publishing a path of 1,000 poses takes, with a reader. */
async function pathCost(node: RclEndpoints): Promise<number[]> {
  const publisher = node.advertise('nav_msgs/msg/Path', '/qpvo_live_bench/path', QOS_RELIABLE);
  const reader = node.subscribe('nav_msgs/msg/Path', '/qpvo_live_bench/path', QOS_RELIABLE, () => undefined);
  const path = new PathMessage('odom', PATH_POSES);
  for (let k = 0; k < PATH_POSES; k++) path.add(BigInt(k), { t: [k, 0, 0], q: [0, 0, 0, 1] });
  const costsMs: number[] = [];
  for (let k = 0; k < 200; k++) {
    const startMs = performance.now();
    path.add(BigInt(PATH_POSES + k), { t: [k, 0, 0], q: [0, 0, 0, 1] });
    publisher.publish(path.encode(BigInt(k)));
    costsMs.push(performance.now() - startMs);
    await sleep(20);
  }
  reader.close();
  publisher.close();
  return costsMs;
}

function judge({ listener, rssMb, cpuShare }: Measured, idleCpu: number, pathMs: number[]) {
  const { arrivalMs, latencyMs, loopDelayMs } = listener;
  const part = Math.min(30, Math.floor(rssMb.length / 4));
  const mean = (of: number[]): number => of.reduce((a, b) => a + b, 0) / of.length;
  return [
    plain('images received by the node', listener.received, ''),
    plain('images processed', listener.processed, ''),
    plain('images dropped', listener.dropped, ''),
    atLeast('odometries / images processed, after the warm-up', arrivalMs.length / latencyMs.length, 0.999, ''),
    plain('latency image stamp to publication, p50', quantileOf(latencyMs, 0.5), 'ms'),
    atMost('latency image stamp to publication, p95', quantileOf(latencyMs, 0.95), 150, 'ms'),
    atMost('latency image stamp to arrival, p95', quantileOf(arrivalMs, 0.95), 150, 'ms'),
    plain('latency image stamp to publication, p99', quantileOf(latencyMs, 0.99), 'ms'),
    atMost('event loop delay p99 of a second, median', quantileOf(loopDelayMs, 0.5), 10, 'ms'),
    atMost('event loop delay p99 of a second, p95', quantileOf(loopDelayMs, 0.95), 10, 'ms'),
    plain('event loop delay p99 of a second, greatest', quantileOf(loopDelayMs, 1), 'ms'),
    plain('memory at the start', mean(rssMb.slice(0, part)), 'MB'),
    plain('memory at the end', mean(rssMb.slice(-part)), 'MB'),
    atMost('memory at the end / in the middle', mean(rssMb.slice(-part)) / mean(midOf(rssMb, part)), 1.05, ''),
    plain('processor, of one core', 100 * cpuShare, '%'),
    atMost('processor while idle, of one core', 100 * idleCpu, 2, '%'),
    atMost('publishing a path of 1,000 poses, median', quantileOf(pathMs, 0.5), 2, 'ms'),
  ];
}

function midOf(values: number[], count: number): number[] {
  const from = Math.floor(values.length / 2 - count / 2);
  return values.slice(from, from + count);
}
