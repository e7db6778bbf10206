// SPDX-License-Identifier: MIT

/**
 * Runs `work` on the items in order, with up to `ahead` results being made while the consumer uses the last one. Results come in the order of the
 * items. At most ahead + 1 results exist at any time.
 *
 * @param work must not reject: a failure is a result too
 */
export async function* mapAhead<Item, Result>(
  items: AsyncIterable<Item>,
  ahead: number,
  work: (item: Item) => Promise<Result>,
): AsyncGenerator<Result> {
  const pending: Promise<Result>[] = [];
  for await (const item of items) {
    pending.push(work(item));
    if (pending.length > ahead) yield await pending.shift()!;
  }
  while (pending.length > 0) yield await pending.shift()!;
}
