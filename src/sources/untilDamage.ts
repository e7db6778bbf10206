// SPDX-License-Identifier: MIT
import { messageOf } from '../error.ts';
import type { FrameFault } from './Source.ts';

/** The first item; undefined when there is none, or reading fails, which is reported where the items are read in order. */
export async function firstReadable<Item>(items: AsyncIterable<Item>): Promise<Item | undefined> {
  try {
    for await (const item of items) return item;
  } catch {
    return undefined;
  }
  return undefined;
}

/** The items of a container as far as they can be read; where reading fails, one FrameFault (isEnd) says why, and the stream ends. */
export async function* untilDamage<Item>(items: AsyncIterable<Item>, path: string): AsyncGenerator<Item | FrameFault> {
  try {
    yield* items;
  } catch (error) {
    yield { stampNs: undefined, fault: `${path} cannot be read beyond this point: ${messageOf(error)}`, isEnd: true };
  }
}
