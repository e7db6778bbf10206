// SPDX-License-Identifier: MIT
import type { NodeParameters } from '../config/nodeParameters.ts';
import { messageOf } from '../error.ts';
import { readOdometry, readTwist, TWIST_TYPES, type TwistType } from '../messages/ros2/encode.ts';
import type { Pose } from '../odometry/Pose.ts';
import { ScaleEstimator } from './frames/ScaleEstimator.ts';
import { TwistIntegrator } from './frames/TwistIntegrator.ts';
import type { RosNode, RosQos, RosSubscription } from './RosNode.ts';

/** Wheel odometry is small and must be whole. */
const QOS_REFERENCE: RosQos = { reliability: 'best_effort', durability: 'volatile', depth: 50 };

/** The topic that the scale is measured against: `scale_odometry` or `scale_twist`. */
export class ScaleReference {
  readonly estimator: ScaleEstimator;
  readonly #subscriptions: RosSubscription[];
  readonly #integrator = new TwistIntegrator();
  readonly #onFault: (reason: string) => void;

  /** @param onFault hears why a message cannot be used */
  constructor(
    node: RosNode,
    source: 'odometry' | 'twist',
    T_base_camera: () => Pose | undefined,
    parameters: NodeParameters,
    onFault: (reason: string) => void,
  ) {
    this.#onFault = onFault;
    this.estimator = new ScaleEstimator({
      T_base_camera,
      windowS: parameters.scale_window_s,
      minDistanceM: parameters.scale_min_distance_m,
    });
    this.#subscriptions =
      source === 'odometry'
        ? [node.subscribe('nav_msgs/msg/Odometry', 'scale_odometry', QOS_REFERENCE, (cdr) => this.#takeOdometry(cdr))]
        : TWIST_TYPES.map((type, k) =>
            node.subscribe(type, TWIST_TOPICS[k]!, QOS_REFERENCE, (cdr) => this.#takeTwist(cdr, type)),
          );
  }

  /** Why the scale is not estimated, in numbers. */
  get ignored(): string {
    const { references, images, windows } = this.estimator.ignored;
    return `${references + this.#integrator.ignored} messages, ${images} images, ${windows} stretches`;
  }

  close(): void {
    for (const subscription of this.#subscriptions) subscription.close();
  }

  #takeOdometry(cdr: Uint8Array): void {
    this.#guarded(() => {
      const { stampNs, pose } = readOdometry(cdr);
      this.estimator.addReference(stampNs, pose);
    });
  }

  #takeTwist(cdr: Uint8Array, type: TwistType): void {
    this.#guarded(() => {
      const { stampNs, twist } = readTwist(cdr, type);
      const pose = this.#integrator.add(stampNs, twist);
      if (pose !== undefined) this.estimator.addReference(stampNs, pose);
    });
  }

  #guarded(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#onFault(messageOf(error));
    }
  }
}

/** A topic has one type, so each form of a twist has a topic of its own. */
const TWIST_TOPICS = ['scale_twist', 'scale_twist_with_covariance'] as const;
