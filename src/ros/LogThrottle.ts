// SPDX-License-Identifier: MIT
import type { LogLevel, RosNode } from './RosNode.ts';

/** The same line is logged at most this often. */
const REPEAT_MS = 10_000;
/** Lines that are remembered. */
const MAX_LINES = 100;

/** Log lines that may come with every image: each is said, then not again for a while. */
export class LogThrottle {
  readonly #node: RosNode;
  readonly #saidAtMs = new Map<string, number>();

  constructor(node: RosNode) {
    this.#node = node;
  }

  say(level: LogLevel, text: string): void {
    const nowMs = performance.now();
    // Stamps, sizes and times differ from image to image; the trouble is the same.
    const kind = text.replace(/\d+(\.\d+)?/g, '#');
    if (nowMs - (this.#saidAtMs.get(kind) ?? Number.NEGATIVE_INFINITY) < REPEAT_MS) return;
    if (this.#saidAtMs.size >= MAX_LINES) this.#saidAtMs.clear();
    this.#saidAtMs.set(kind, nowMs);
    this.#node.log(level, text);
  }
}
