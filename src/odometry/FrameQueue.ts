// SPDX-License-Identifier: MIT
import type { ImageFrame } from '../sources/Source.ts';

/**
 * What happens when a frame comes and the queue is full.
 * `live`: the oldest waiting frame is dropped and counted. `bag`: the producer waits; nothing is ever dropped.
 */
export type QueuePolicy = 'live' | 'bag';

/**
 * Frames between one producer and one consumer. `push` copies the pixels, `take` lends them until the next `take`; the buffers are reused, so
 * memory does not grow with the number of frames.
 */
export class FrameQueue {
  readonly policy: QueuePolicy;
  readonly capacity: number;
  readonly #waiting: ImageFrame[] = [];
  readonly #free: Uint8Array[] = [];
  #lent: ImageFrame | undefined;
  #dropped = 0;
  #ended = false;
  #wakeConsumer: (() => void) | undefined;
  #wakeProducer: (() => void) | undefined;

  /** @param capacity most frames that wait, at least 1; the one lent to the consumer does not count */
  constructor(policy: QueuePolicy, capacity: number) {
    this.policy = policy;
    this.capacity = capacity;
  }

  /** Frames that the live policy gave up so far. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Takes a copy of the frame. Resolves at once (live) or as soon as there is room (bag). Frames pushed after `end` are ignored. */
  async push(frame: ImageFrame): Promise<void> {
    while (this.policy === 'bag' && this.#waiting.length >= this.capacity && !this.#ended) {
      await new Promise<void>((resolve) => {
        this.#wakeProducer = resolve;
      });
    }
    if (this.#ended) return;
    if (this.#waiting.length >= this.capacity) {
      this.#recycle(this.#waiting.shift());
      this.#dropped++;
    }
    this.#waiting.push(this.#copy(frame));
    this.#wakeConsumer?.();
  }

  /** No more frames will come; those waiting can still be taken. */
  end(): void {
    this.#ended = true;
    this.#wakeConsumer?.();
    this.#wakeProducer?.();
  }

  /** The oldest waiting frame, valid until the next call; undefined at the end. */
  async take(): Promise<ImageFrame | undefined> {
    this.#recycle(this.#lent);
    this.#lent = undefined;
    while (this.#waiting.length === 0 && !this.#ended) {
      await new Promise<void>((resolve) => {
        this.#wakeConsumer = resolve;
      });
    }
    this.#lent = this.#waiting.shift();
    this.#wakeProducer?.();
    return this.#lent;
  }

  #copy(frame: ImageFrame): ImageFrame {
    const index = this.#free.findIndex((buffer) => buffer.length === frame.data.length);
    const data = index < 0 ? new Uint8Array(frame.data.length) : this.#free.splice(index, 1)[0]!;
    data.set(frame.data);
    return { ...frame, data };
  }

  /** Keeps at most as many buffers as can be in use, so that a change of the image size leaves none behind for good. */
  #recycle(frame: ImageFrame | undefined): void {
    if (frame !== undefined) this.#free.unshift(frame.data);
    this.#free.length = Math.min(this.#free.length, this.capacity + 1);
  }
}
