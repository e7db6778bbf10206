// SPDX-License-Identifier: MIT
import type { BagTopic } from './BagReader.ts';

/** One topic per name: several publishers of a topic have a channel each. */
export function mergeByName(topics: readonly BagTopic[]): BagTopic[] {
  const byName = new Map<string, BagTopic>();
  for (const topic of topics) {
    const known = byName.get(topic.topic);
    if (known === undefined) byName.set(topic.topic, { ...topic });
    else if (known.messageCount === undefined || topic.messageCount === undefined) known.messageCount = undefined;
    else known.messageCount += topic.messageCount;
  }
  return [...byName.values()];
}
