// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { mapAhead } from '../../../src/sources/mapAhead.ts';

async function* numbers(count: number, closed: { value: boolean }): AsyncGenerator<number> {
  try {
    for (let i = 0; i < count; i++) yield i;
  } finally {
    closed.value = true;
  }
}

describe('mapAhead', () => {
  for (const ahead of [0, 1, 2, 5]) {
    it(`keeps the order and never has more than ${ahead} + 1 results, ahead ${ahead}`, async () => {
      let made = 0;
      let used = 0;
      let most = 0;
      const work = async (i: number): Promise<number> => {
        most = Math.max(most, ++made - used);
        await sleep((i * 7) % 4);
        return i * i;
      };
      const results: number[] = [];
      for await (const result of mapAhead(numbers(12, { value: false }), ahead, work)) {
        results.push(result);
        used++;
      }
      assert.deepEqual(
        results,
        Array.from({ length: 12 }, (_, i) => i * i),
      );
      assert.equal(most, ahead + 1);
    });
  }

  it('works while the consumer is busy', async () => {
    let finished = 0;
    const work = async (): Promise<void> => {
      await sleep(1);
      finished++;
    };
    const results = mapAhead(numbers(5, { value: false }), 2, work);
    await results.next();
    await sleep(30);
    assert.equal(finished, 3);
    await results.return(undefined);
  });

  it('closes the items when the consumer stops early', async () => {
    const closed = { value: false };
    for await (const _ of mapAhead(numbers(5, closed), 2, async (i) => i)) break;
    assert.equal(closed.value, true);
  });
});
