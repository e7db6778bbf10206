// SPDX-License-Identifier: MIT
import { type ErrorCode, messageOf, QpvoError } from '../error.ts';
import { encodeImage } from '../messages/ros2/encode.ts';
import { drawTracks } from './drawTracks.ts';
import type { LiveOdometry } from './LiveOdometry.ts';
import { LogThrottle } from './LogThrottle.ts';
import type { RosNode, RosPublisher } from './RosNode.ts';
import { QOS_VIEW } from './topicQos.ts';

const GONE: readonly ErrorCode[] = ['QPVO_DEVICE_LOST', 'QPVO_CLOSED'];

/** ~/debug_image: what the network sees, with the tracks. Drawn only while somebody looks. */
export class DebugImagePublisher {
  readonly #publisher: RosPublisher;
  readonly #log: LogThrottle;
  #lastMs = Number.NEGATIVE_INFINITY;
  #isClosed = false;

  constructor(node: RosNode) {
    this.#publisher = node.advertise('sensor_msgs/msg/Image', '~/debug_image', QOS_VIEW);
    this.#log = new LogThrottle(node);
  }

  /** @param rateHz most images a second; 0 sends none */
  publish(stampNs: bigint, frame: string, odometry: LiveOdometry, rateHz: number): void {
    const nowMs = performance.now();
    if (rateHz === 0 || nowMs - this.#lastMs < 1000 / rateHz || this.#publisher.subscribers === 0) return;
    this.#lastMs = nowMs;
    this.#draw(stampNs, frame, odometry).catch((error: unknown) => {
      // An odometry that is gone is told by the next image.
      const isGone = error instanceof QpvoError && GONE.includes(error.code);
      if (!this.#isClosed && !isGone)
        this.#log.say('error', `the debug image could not be published: ${messageOf(error)}`);
    });
  }

  close(): void {
    this.#isClosed = true;
    this.#publisher.close();
  }

  async #draw(stampNs: bigint, frame: string, odometry: LiveOdometry): Promise<void> {
    const view = await odometry.view();
    if (view === undefined || this.#isClosed) return;
    const { width, height } = view;
    const data = drawTracks(view);
    this.#publisher.publish(
      encodeImage({ stampNs, frame, width, height, encoding: 'rgb8', isBigEndian: false, step: 3 * width, data }),
    );
  }
}
