// SPDX-License-Identifier: MIT
import { maxPairs, ringSlots, type Windows } from './windows.ts';

/** A live frame of the window. */
export interface GraphFrame {
  /** Where its maps, patches and pose lie. */
  readonly slot: number;
  readonly sequence: number;
  readonly stampNs: bigint;
}

/** Where the state that belongs to pairs is kept; told of every change of the pair table. */
export interface PairStorage {
  /** Pair `to` becomes what pair `from` was. */
  move(from: number, to: number): void;
  /** Pairs first..first+count-1 are new: their hidden state is zero. */
  clear(first: number, count: number): void;
}

/**
 * The window of frames and the complete (source, target) pairs between them, in the algorithm's order (DPVO, arXiv 2208.04726, section 3.3). A pair stands for the M edges of
 * the source's patches into the target. Pairs lie compactly in 0..pairCount-1, in no particular order. Only integers are kept here: a few hundred per frame.
 */
export class PatchGraph {
  readonly windows: Windows;
  /** Live frames, oldest first; frames[n - 1] is the newest. */
  readonly frames: GraphFrame[] = [];
  /** Ring slots of the pairs. */
  readonly source: Int32Array;
  readonly target: Int32Array;
  /** Pair of the same source with the next older / newer target that exists, -1 = none. Valid after link(). */
  readonly previous: Int32Array;
  readonly next: Int32Array;
  /** Index of the pair's source among the sources in use, 0.. Valid after link(). */
  readonly sourceIndex: Int32Array;
  sourceCount = 0;
  pairCount = 0;

  #storage: PairStorage;
  #freeSlots: number[] = [];
  #pairAt: Int32Array;
  #slots: number;
  #firstIsAnchor = true;

  constructor(windows: Windows, storage: PairStorage, source?: Int32Array, target?: Int32Array) {
    this.windows = windows;
    this.#storage = storage;
    this.#slots = ringSlots(windows);
    const pairs = maxPairs(windows);
    this.source = source ?? new Int32Array(pairs);
    this.target = target ?? new Int32Array(pairs);
    this.previous = new Int32Array(pairs);
    this.next = new Int32Array(pairs);
    this.sourceIndex = new Int32Array(pairs);
    this.#pairAt = new Int32Array(this.#slots * this.#slots);
    this.clear();
  }

  get n(): number {
    return this.frames.length;
  }

  /** Forgets all frames and pairs; the next frame accepted takes `nextSlot`. */
  clear(nextSlot = 0): void {
    this.frames.length = 0;
    this.pairCount = 0;
    this.#firstIsAnchor = true;
    this.#freeSlots = Array.from({ length: this.#slots }, (_, i) => (nextSlot + this.#slots - 1 - i) % this.#slots);
  }

  /** The slot that the next accepted frame will take. */
  get nextSlot(): number {
    const slot = this.#freeSlots.at(-1);
    if (slot === undefined) throw new Error('patch graph: no free ring slot');
    return slot;
  }

  /** Accepts a frame as the newest and appends its pairs: older sources to it, and it to older targets and itself. */
  accept(sequence: number, stampNs: bigint): GraphFrame {
    const frame: GraphFrame = { slot: this.nextSlot, sequence, stampNs };
    this.#freeSlots.pop();
    this.frames.push(frame);
    const n = this.n;
    const oldest = Math.max(n - this.windows.patchLifetime, 0);
    const first = this.pairCount;
    for (let f = oldest; f < n - 1; f++) this.#append(this.frames[f]!.slot, frame.slot);
    for (let j = oldest; j < n; j++) this.#append(frame.slot, this.frames[j]!.slot);
    this.#storage.clear(first, this.pairCount - first);
    return frame;
  }

  /** Removes the frame at this position with all its pairs. */
  removeFrame(position: number): GraphFrame {
    const frame = this.frames[position]!;
    this.#removePairs((s, t) => s === frame.slot || t === frame.slot);
    this.frames.splice(position, 1);
    this.#freeSlots.push(frame.slot);
    return frame;
  }

  /** Retires pairs whose source is older than the removal window. Returns the frames whose patches no longer take part. */
  retire(): GraphFrame[] {
    const limit = this.n - this.windows.removalWindow;
    const old = new Set<number>();
    const retired: GraphFrame[] = [];
    const isSource = new Set<number>();
    for (let p = 0; p < this.pairCount; p++) isSource.add(this.source[p]!);
    for (let f = 0; f < limit; f++) {
      const frame = this.frames[f]!;
      old.add(frame.slot);
      if (isSource.has(frame.slot)) retired.push(frame);
    }
    if (retired.length > 0) this.#removePairs((s) => old.has(s));
    return retired;
  }

  /** Takes out the oldest frames that no pair uses and no later step needs. Returns them. */
  evict(): GraphFrame[] {
    const { optimizationWindow, keyframeIndex } = this.windows;
    const keep = Math.max(optimizationWindow, keyframeIndex + 2, 3);
    const used = new Set<number>();
    for (let p = 0; p < this.pairCount; p++) used.add(this.source[p]!).add(this.target[p]!);
    const evicted: GraphFrame[] = [];
    while (this.n > keep && !used.has(this.frames[0]!.slot)) {
      const frame = this.frames.shift()!;
      this.#freeSlots.push(frame.slot);
      this.#firstIsAnchor = false;
      evicted.push(frame);
    }
    return evicted;
  }

  /** Position of the first frame whose pose is free: the newest optimizationWindow of them when bounded, never the segment's first frame. */
  firstFree(bounded: boolean): number {
    const anchor = this.#firstIsAnchor ? 1 : 0;
    return bounded ? Math.max(this.n - this.windows.optimizationWindow, anchor) : anchor;
  }

  /** Writes the pose variable of every slot (-1 = fixed) and returns how many are free. */
  poseVariables(out: Int32Array, bounded: boolean): number {
    out.fill(-1);
    const first = Math.min(this.firstFree(bounded), this.n);
    for (let f = first; f < this.n; f++) out[this.frames[f]!.slot] = f - first;
    return this.n - first;
  }

  hasPair(sourceSlot: number, targetSlot: number): boolean {
    for (let p = 0; p < this.pairCount; p++)
      if (this.source[p] === sourceSlot && this.target[p] === targetSlot) return true;
    return false;
  }

  /** The pairs of other sources with this target, by their index in the table. */
  pairsInto(targetSlot: number): { pair: number; source: number }[] {
    const pairs: { pair: number; source: number }[] = [];
    for (let pair = 0; pair < this.pairCount; pair++) {
      const source = this.source[pair]!;
      if (this.target[pair] === targetSlot && source !== targetSlot) pairs.push({ pair, source });
    }
    return pairs;
  }

  /** Fills previous, next and sourceIndex from the pair table. */
  link(): void {
    const slots = this.#slots;
    this.#pairAt.fill(-1);
    for (let p = 0; p < this.pairCount; p++) this.#pairAt[this.source[p]! * slots + this.target[p]!] = p;
    this.sourceCount = 0;
    for (const frame of this.frames) {
      let last = -1;
      for (const other of this.frames) {
        const p = this.#pairAt[frame.slot * slots + other.slot]!;
        if (p < 0) continue;
        this.sourceIndex[p] = this.sourceCount;
        this.previous[p] = last;
        this.next[p] = -1;
        if (last >= 0) this.next[last] = p;
        last = p;
      }
      if (last >= 0) this.sourceCount++;
    }
  }

  #append(source: number, target: number): void {
    this.source[this.pairCount] = source;
    this.target[this.pairCount] = target;
    this.pairCount++;
  }

  /** Removes matching pairs; the last pair fills each hole. */
  #removePairs(matches: (source: number, target: number) => boolean): void {
    for (let p = this.pairCount - 1; p >= 0; p--) {
      if (!matches(this.source[p]!, this.target[p]!)) continue;
      const last = --this.pairCount;
      if (last === p) continue;
      this.source[p] = this.source[last]!;
      this.target[p] = this.target[last]!;
      this.#storage.move(last, p);
    }
  }
}
