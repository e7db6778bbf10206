// SPDX-License-Identifier: MIT
import { loadAddon } from '../../native/loadAddon.ts';

/** An array in memory of another thread. Plain data: it may be posted. */
export interface LentArray {
  loan: number;
  offset: number;
  length: number;
}

/** Lends arrays to other threads without a copy. Memory lent once stays lent until close(). */
export class Lender {
  readonly #addon = loadAddon();
  readonly #loans = new Map<ArrayBufferLike, number>();

  lend(array: Float32Array | Int32Array): LentArray {
    let loan = this.#loans.get(array.buffer);
    if (loan === undefined) {
      loan = this.#addon.lend(new Uint8Array(array.buffer));
      this.#loans.set(array.buffer, loan);
    }
    return { loan, offset: array.byteOffset, length: array.length };
  }

  /** After this no other thread may touch the arrays. */
  close(): void {
    for (const loan of this.#loans.values()) this.#addon.reclaim(loan);
    this.#loans.clear();
  }
}

/** Makes arrays over memory that another thread lent. */
export class Borrower {
  readonly #addon = loadAddon();
  readonly #memory = new Map<number, ArrayBuffer>();

  floats({ loan, offset, length }: LentArray): Float32Array {
    return new Float32Array(this.#borrow(loan), offset, length);
  }

  integers({ loan, offset, length }: LentArray): Int32Array {
    return new Int32Array(this.#borrow(loan), offset, length);
  }

  #borrow(loan: number): ArrayBuffer {
    const known = this.#memory.get(loan);
    if (known !== undefined) return known;
    const memory = this.#addon.borrow(loan);
    this.#memory.set(loan, memory);
    return memory;
  }
}
