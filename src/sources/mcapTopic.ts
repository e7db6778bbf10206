// SPDX-License-Identifier: MIT
import type { McapTypes } from '@mcap/core';
import type { Serialization } from '../messages/FieldReader.ts';
import type { BagTopic } from './BagReader.ts';

/** Topic of an MCAP channel. */
export function mcapTopic(
  channel: McapTypes.Channel,
  schemas: ReadonlyMap<number, McapTypes.Schema>,
  messageCount: number | undefined,
): BagTopic {
  const encoding = channel.messageEncoding;
  const serialization: Serialization | undefined = encoding === 'cdr' || encoding === 'ros1' ? encoding : undefined;
  const type = schemas.get(channel.schemaId)?.name ?? `${encoding} without schema`;
  return { topic: channel.topic, type, messageCount, serialization };
}
