// SPDX-License-Identifier: MIT

/** An image message as it came from a topic. */
export interface ReceivedImage {
  /** sensor_msgs/Image or CompressedImage, CDR. */
  cdr: Uint8Array;
  /** From its header. */
  stampNs: bigint;
  frameId: string;
}

/** Between the camera topic and the odometry: the newest image wins, one that was not taken in time is dropped. Never blocks, never grows. */
export class ImageMailbox {
  #waiting: ReceivedImage | undefined;
  #wake: (() => void) | undefined;
  #ended = false;

  /** @returns true when an image that waited was dropped for this one */
  put(image: ReceivedImage): boolean {
    if (this.#ended) return false;
    const isDrop = this.#waiting !== undefined;
    this.#waiting = image;
    this.#wake?.();
    return isDrop;
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

  /** Forgets a waiting image. @returns whether there was one */
  clear(): boolean {
    const isThere = this.#waiting !== undefined;
    this.#waiting = undefined;
    return isThere;
  }

  end(): void {
    this.#ended = true;
    this.#wake?.();
  }
}
