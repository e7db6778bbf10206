// SPDX-License-Identifier: MIT

/** Kinds that are told apart; reasons beyond them are not counted, so that memory stays bounded. */
const MAX_KINDS = 64;

/** Counts why frames were skipped. Reasons that differ in their numbers only (stamps, sizes, numbered files) are of one kind. */
export class SkipReasons {
  readonly #kinds = new Map<string, { first: string; count: number }>();

  add(reason: string): void {
    const kind = reason.replace(/\d+/g, '#');
    const known = this.#kinds.get(kind);
    if (known !== undefined) known.count++;
    else if (this.#kinds.size < MAX_KINDS) this.#kinds.set(kind, { first: reason, count: 1 });
  }

  /** The most frequent reason, in the words of its first frame; undefined when there was none. */
  main(): string | undefined {
    let main: { first: string; count: number } | undefined;
    for (const kind of this.#kinds.values()) if (main === undefined || kind.count > main.count) main = kind;
    return main?.first;
  }
}
