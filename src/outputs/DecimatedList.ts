// SPDX-License-Identifier: MIT

/** A list of bounded length over an endless stream: when it is full, every other item goes and from then on only every other one comes in. */
export class DecimatedList<T> {
  readonly #capacity: number;
  #items: T[] = [];
  #stride = 1;
  #seen = 0;

  /** @param capacity most items kept, at least 2 */
  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** The items kept, in order; the first is always among them. */
  get items(): readonly T[] {
    return this.#items;
  }

  /** One of how many items is kept. */
  get stride(): number {
    return this.#stride;
  }

  push(item: T): void {
    if (this.#seen++ % this.#stride !== 0) return;
    if (this.#items.length === this.#capacity) {
      this.#items = this.#items.filter((_, i) => i % 2 === 0);
      this.#stride *= 2;
      if ((this.#seen - 1) % this.#stride !== 0) return;
    }
    this.#items.push(item);
  }
}
