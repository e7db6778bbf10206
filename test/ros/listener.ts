// SPDX-License-Identifier: MIT
// Hears images until it is interrupted; then tells as JSON how many came, in which order, and how long the event loop was held up.
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { readImage } from '../../src/messages/sensorMessages.ts';
import { RclSession } from '../../src/ros/rclnodejs/RclSession.ts';
import { QOS_RELIABLE } from '../../src/ros/topicQos.ts';

const session = await RclSession.open([]);
const node = session.plainNode('listener');
const stamps: bigint[] = [];
const takenMs: number[] = [];
let sum = 0;
node.subscribe('sensor_msgs/msg/Image', 'image', { ...QOS_RELIABLE, depth: 20 }, (cdr) => {
  const startMs = performance.now();
  const image = readImage(cdr, 'cdr');
  stamps.push(image.header.stampNs);
  sum += image.data[0]! + image.data.length;
  takenMs.push(performance.now() - startMs);
});
node.spin();
console.log('listening');
const delay = monitorEventLoopDelay({ resolution: 1 });
delay.enable();

process.on('SIGINT', () => {
  const inOrder = stamps.every((stampNs, i) => i === 0 || stampNs > stamps[i - 1]!);
  const loopDelayMedianMs = delay.percentile(50) / 1e6;
  console.log(JSON.stringify({ images: stamps.length, inOrder, loopDelayMedianMs, sum }));
  node.destroy();
  session.close();
  process.exit(0);
});
