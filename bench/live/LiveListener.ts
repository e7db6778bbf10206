// SPDX-License-Identifier: MIT
import { readDiagnostics, readOdometry, readOdometryStatus } from '../../src/messages/ros2/encode.ts';
import type { RosQos } from '../../src/ros/RosNode.ts';
import type { RclEndpoints } from '../../src/ros/rclnodejs/RclEndpoints.ts';

const QOS: RosQos = { reliability: 'reliable', durability: 'volatile', depth: 100 };

/** What a robot would see of the node: every odometry, status and diagnosis that arrives. */
export class LiveListener {
  /** From the stamp of the image, by the clock of this machine, to the arrival of its odometry here. */
  readonly arrivalMs: number[] = [];
  /** The same to publication, as the node says. */
  readonly latencyMs: number[] = [];
  readonly loopDelayMs: number[] = [];
  readonly states = new Map<string, number>();
  received = 0;
  processed = 0;
  dropped = 0;

  constructor(node: RclEndpoints) {
    node.subscribe('nav_msgs/msg/Odometry', '/qpvo/odometry', QOS, (cdr) => {
      const { stampNs } = readOdometry(cdr);
      this.arrivalMs.push(Date.now() - Number(stampNs / 1000n) / 1000);
    });
    node.subscribe('qpvo/msg/OdometryStatus', '/qpvo/status', QOS, (cdr) => {
      const status = readOdometryStatus(cdr);
      if (status.framesProcessed === this.processed) return;
      this.received = status.framesReceived;
      this.processed = status.framesProcessed;
      this.dropped = status.framesDropped;
      this.states.set(status.state, (this.states.get(status.state) ?? 0) + 1);
      if (status.latencyMs !== undefined) this.latencyMs.push(status.latencyMs);
    });
    node.subscribe('diagnostic_msgs/msg/DiagnosticArray', '/diagnostics', QOS, (cdr) => {
      const resources = readDiagnostics(cdr).statuses.find(({ name }) => name.endsWith('resources'));
      const delay = Number(resources?.values['event loop delay p99, ms']);
      if (Number.isFinite(delay)) this.loopDelayMs.push(delay);
    });
  }
}
