// SPDX-License-Identifier: MIT
import { QOS_PROFILES } from '../config/nodeParameters.ts';
import type { RosQos } from './RosNode.ts';

/** Odometry, path, diagnostics: reliable serves best-effort readers as well. */
export const QOS_RELIABLE: RosQos = { reliability: 'reliable', durability: 'volatile', depth: 10 };

/** tf2's own setting. */
export const QOS_TF: RosQos = { reliability: 'reliable', durability: 'volatile', depth: 100 };

export const QOS_TF_STATIC: RosQos = { reliability: 'reliable', durability: 'transient_local', depth: 100 };

/** The map so far, also for those who come late. */
export const QOS_LATCHED: RosQos = { reliability: 'reliable', durability: 'transient_local', depth: 1 };

/** Large and only for looking at: a slow reader must not block the node. */
export const QOS_VIEW: RosQos = { reliability: 'best_effort', durability: 'volatile', depth: 1 };

/** @param profile a name of QOS_PROFILES */
export function imageQos(profile: keyof typeof QOS_PROFILES, depth: number): RosQos {
  return { reliability: QOS_PROFILES[profile], durability: 'volatile', depth };
}
