// SPDX-License-Identifier: MIT
import { encodePointCloud } from '../messages/ros2/encode.ts';
import type { MapPoint } from '../odometry/types.ts';
import type { RosNode, RosPublisher } from './RosNode.ts';
import { QOS_LATCHED } from './topicQos.ts';

/** ~/points: the newest points of the sparse map in odom, with colours. Sent when there are new ones and somebody reads, at most once a period. */
export class PointsPublisher {
  readonly #publisher: RosPublisher;
  readonly #frame: string;
  readonly #capacity: number;
  #points: MapPoint[] = [];
  #lastMs = Number.NEGATIVE_INFINITY;
  #hasNews = false;

  constructor(node: RosNode, frame: string, capacity: number) {
    this.#publisher = node.advertise('sensor_msgs/msg/PointCloud2', '~/points', QOS_LATCHED);
    this.#frame = frame;
    this.#capacity = capacity;
  }

  /** @param points in the frame of the publisher */
  add(points: readonly MapPoint[]): void {
    if (points.length === 0 || this.#capacity === 0) return;
    this.#points.push(...points);
    if (this.#points.length > this.#capacity) this.#points = this.#points.slice(-this.#capacity);
    this.#hasNews = true;
  }

  publish(stampNs: bigint, periodS: number): void {
    const nowMs = performance.now();
    if (!this.#hasNews || this.#publisher.subscribers === 0 || nowMs - this.#lastMs < 1000 * periodS) return;
    this.#lastMs = nowMs;
    this.#hasNews = false;
    this.#publisher.publish(encodePointCloud(stampNs, this.#frame, this.#points));
  }

  close(): void {
    this.#publisher.close();
  }
}
