// SPDX-License-Identifier: MIT
import { createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { messageOf, QpvoError } from '../error.ts';
import { formatStampS } from '../evaluation/stampText.ts';
import type { Pose } from '../odometry/Pose.ts';

const NUMBERS = 7;

/** The poses that were published, for ~/save_trajectory; the oldest go when it is full. All memory is taken at the start: 64 bytes a pose. */
export class PoseLog {
  readonly #stampsNs: BigInt64Array;
  readonly #poses: Float64Array;
  #count = 0;
  #saves = 0;

  constructor(capacity: number) {
    this.#stampsNs = new BigInt64Array(capacity);
    this.#poses = new Float64Array(capacity * NUMBERS);
  }

  get length(): number {
    return Math.min(this.#count, this.#stampsNs.length);
  }

  /** Poses that are no longer held. */
  get forgotten(): number {
    return this.#count - this.length;
  }

  add(stampNs: bigint, { t, q }: Pose): void {
    const at = this.#count++ % this.#stampsNs.length;
    this.#stampsNs[at] = stampNs;
    this.#poses.set([...t, ...q], at * NUMBERS);
  }

  /**
   * Writes the poses as TUM lines (`t x y z qx qy qz qw`), oldest first: complete or not at all.
   *
   * @throws QpvoError QPVO_OUTPUT
   */
  async save(path: string): Promise<number> {
    const part = `${path}.${this.#saves++}.part`;
    const held = this.#snapshot();
    try {
      await pipeline(Readable.from(lines(held)), createWriteStream(part));
      await rename(part, path);
      return held.stampsNs.length;
    } catch (error) {
      await rm(part, { force: true });
      const advice = 'Give the path of a file in a folder that is there and may be written.';
      throw new QpvoError('QPVO_OUTPUT', {
        what: `cannot write ${path}`,
        received: messageOf(error),
        advice,
        cause: error,
      });
    }
  }

  /** Oldest first. Poses that come while they are written do not disturb. */
  #snapshot(): Held {
    const split = this.#count > this.#stampsNs.length ? this.#count % this.#stampsNs.length : 0;
    const [stampsNs, poses] = [new BigInt64Array(this.length), new Float64Array(this.length * NUMBERS)];
    stampsNs.set(this.#stampsNs.subarray(split, this.length));
    stampsNs.set(this.#stampsNs.subarray(0, split), this.length - split);
    poses.set(this.#poses.subarray(split * NUMBERS, this.length * NUMBERS));
    poses.set(this.#poses.subarray(0, split * NUMBERS), (this.length - split) * NUMBERS);
    return { stampsNs, poses };
  }
}

interface Held {
  stampsNs: BigInt64Array;
  poses: Float64Array;
}

function* lines({ stampsNs, poses }: Held): Generator<string> {
  for (const [k, stampNs] of stampsNs.entries()) {
    yield `${formatStampS(stampNs)} ${poses.subarray(k * NUMBERS, (k + 1) * NUMBERS).join(' ')}\n`;
  }
}
