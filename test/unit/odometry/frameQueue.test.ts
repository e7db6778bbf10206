// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { FrameQueue } from '../../../src/odometry/FrameQueue.ts';
import type { ImageFrame } from '../../../src/sources/Source.ts';

const borrowed = new Uint8Array(16);

/** A frame in a buffer that the next frame overwrites, as sources lend them. */
function frame(index: number): ImageFrame {
  borrowed.fill(index);
  return {
    stampNs: BigInt(index),
    width: 4,
    height: 4,
    encoding: 'mono8',
    step: 4,
    isBigEndian: false,
    data: borrowed,
  };
}

async function drain(queue: FrameQueue): Promise<number[]> {
  const taken: number[] = [];
  for (let item = await queue.take(); item !== undefined; item = await queue.take()) {
    assert.ok(
      item.data.every((value) => value === Number(item.stampNs)),
      'pixels belong to the stamp',
    );
    taken.push(Number(item.stampNs));
  }
  return taken;
}

describe('frame queue', () => {
  for (const capacity of [1, 2, 5]) {
    it(`live, capacity ${capacity}: a slow consumer gets the newest frames, the others are counted`, async () => {
      const queue = new FrameQueue('live', capacity);
      for (let i = 0; i < 10; i++) await queue.push(frame(i));
      assert.equal(queue.dropped, 10 - capacity);
      queue.end();
      assert.deepEqual(
        await drain(queue),
        Array.from({ length: capacity }, (_, i) => 10 - capacity + i),
      );
    });

    it(`bag, capacity ${capacity}: a slow consumer gets every frame in order`, async () => {
      const queue = new FrameQueue('bag', capacity);
      let pushed = 0;
      const producer = (async () => {
        for (let i = 0; i < 50; i++) {
          await queue.push(frame(i));
          pushed++;
        }
        queue.end();
      })();
      for (let i = 0; i < 5; i++) await nextTurn();
      assert.equal(pushed, capacity, 'the producer waits when the queue is full');
      assert.deepEqual(
        await drain(queue),
        Array.from({ length: 50 }, (_, i) => i),
      );
      await producer;
      assert.equal(queue.dropped, 0);
    });
  }

  it('lends a frame untouched until the next take, while others are pushed', async () => {
    const queue = new FrameQueue('live', 1);
    await queue.push(frame(1));
    const lent = await queue.take();
    for (let i = 2; i < 9; i++) await queue.push(frame(i));
    assert.ok(lent!.data.every((value) => value === 1));
    assert.equal(queue.dropped, 6);
  });

  it('uses the same buffers again', async () => {
    const queue = new FrameQueue('live', 2);
    const buffers = new Set<ArrayBufferLike>();
    for (let i = 0; i < 100; i++) {
      await queue.push(frame(i));
      if (i % 3 === 0) buffers.add((await queue.take())!.data.buffer);
    }
    assert.ok(buffers.size <= 3, `${buffers.size} buffers`);
  });

  it('wakes a consumer that waits, and a producer that waits, when it ends', async () => {
    const empty = new FrameQueue('live', 1);
    const waiting = empty.take();
    empty.end();
    assert.equal(await waiting, undefined);

    const full = new FrameQueue('bag', 1);
    await full.push(frame(1));
    const blocked = full.push(frame(2));
    full.end();
    await blocked;
    assert.deepEqual(await drain(full), [1]);
  });
});
