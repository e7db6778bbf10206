// SPDX-License-Identifier: MIT

/** An image message as it came from a topic. */
export interface ReceivedImage {
  /** sensor_msgs/Image or CompressedImage, CDR. */
  cdr: Uint8Array;
  /** From its header. */
  stampNs: bigint;
}

/** Between the camera topic and the odometry: the newest image wins, one that was not taken in time is dropped and counted. Never blocks, never grows. */
export class ImageMailbox {
  #waiting: ReceivedImage | undefined;
  #wake: (() => void) | undefined;
  #ended = false;
  #dropped = 0;

  get dropped(): number {
    return this.#dropped;
  }

  put(image: ReceivedImage): void {
    if (this.#ended) return;
    if (this.#waiting !== undefined) this.#dropped++;
    this.#waiting = image;
    this.#wake?.();
  }

  /** The newest image, as soon as there is one; undefined after end(). */
  async take(): Promise<ReceivedImage | undefined> {
    while (this.#waiting === undefined && !this.#ended) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    const image = this.#ended ? undefined : this.#waiting;
    this.#waiting = undefined;
    return image;
  }

  /** Forgets a waiting image without counting it: it came before a pause. */
  clear(): void {
    this.#waiting = undefined;
  }

  end(): void {
    this.#ended = true;
    this.#wake?.();
  }
}
