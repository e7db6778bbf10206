// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { type GraphFrame, type PairStorage, PatchGraph } from '../../../src/odometry/PatchGraph.ts';
import { maxPairs, ringSlots, type Windows } from '../../../src/odometry/windows.ts';

/** Keeps a number per pair, 0 = new, as the hidden state is kept. */
class NumberStorage implements PairStorage {
  readonly values: number[] = [];

  move(from: number, to: number): void {
    this.values[to] = this.values[from]!;
  }

  clear(first: number, count: number): void {
    for (let p = first; p < first + count; p++) this.values[p] = 0;
  }
}

const keyOf = (source: number, target: number) => `${source} -> ${target}`;

interface TableRow {
  pair: number;
  key: string;
  source: number;
  target: number;
  value: number;
}

/** A graph beside a plain list of what it should hold: frames by sequence number, pairs by the sequence numbers of their frames. */
export class PairLedger {
  readonly windows: Windows;
  readonly graph: PatchGraph;
  readonly storage = new NumberStorage();
  /** Sequence numbers of the live frames. */
  frames: number[] = [];
  /** Number given to each pair when it was new. */
  pairs = new Map<string, number>();
  #anchored = true;
  #sequence = 0;
  #marks = 0;

  constructor(windows: Windows) {
    this.windows = windows;
    this.graph = new PatchGraph(windows, this.storage);
  }

  /** Accepts the next frame, and checks that exactly the right pairs are new. */
  accept(): void {
    const sequence = this.#sequence++;
    const nextSlot = this.graph.nextSlot;
    const frame = this.graph.accept(sequence, BigInt(sequence) * 10n);
    assert.deepEqual(frame, { slot: nextSlot, sequence, stampNs: BigInt(sequence) * 10n });
    this.frames.push(sequence);
    const reach = this.frames.slice(-this.windows.patchLifetime);
    const expected = reach.flatMap((f) => (f === sequence ? [keyOf(f, f)] : [keyOf(f, sequence), keyOf(sequence, f)]));
    const fresh = this.#table().filter(({ value }) => value === 0);
    assert.deepEqual(fresh.map(({ key }) => key).sort(), expected.sort());
    for (const { key, pair } of fresh) {
      this.storage.values[pair] = ++this.#marks;
      this.pairs.set(key, this.#marks);
    }
  }

  remove(position: number): void {
    const sequence = this.frames[position]!;
    assert.equal(this.graph.removeFrame(position).sequence, sequence);
    this.frames.splice(position, 1);
    this.#keepPairs((source, target) => source !== sequence && target !== sequence);
  }

  retire(): number[] {
    const old = this.frames.slice(0, Math.max(0, this.frames.length - this.windows.removalWindow));
    const sources = new Set([...this.pairs.keys()].map((key) => Number(key.split(' ')[0])));
    const retired = this.graph.retire().map(({ sequence }) => sequence);
    assert.deepEqual(
      retired,
      old.filter((sequence) => sources.has(sequence)),
    );
    this.#keepPairs((source) => !old.includes(source));
    return retired;
  }

  evict(): number {
    const used = new Set([...this.pairs.keys()].flatMap((key) => key.split(' -> ').map(Number)));
    const evicted = this.graph.evict().map(({ sequence }) => sequence);
    assert.deepEqual(evicted, this.frames.splice(0, evicted.length), 'not the oldest');
    assert.ok(
      evicted.every((sequence) => !used.has(sequence)),
      'a frame in use was taken out',
    );
    assert.ok(this.frames.length >= Math.min(this.windows.optimizationWindow, this.frames.length + evicted.length));
    if (evicted.length > 0) this.#anchored = false;
    return evicted.length;
  }

  clear(nextSlot: number): void {
    this.graph.clear(nextSlot);
    assert.equal(this.graph.nextSlot, nextSlot);
    this.frames = [];
    this.pairs.clear();
    this.#anchored = true;
  }

  /** Everything that must hold after every step. */
  check(): void {
    const { graph } = this;
    assert.deepEqual(
      graph.frames.map(({ sequence }) => sequence),
      this.frames,
    );
    const slots = graph.frames.map(({ slot }) => slot);
    assert.equal(new Set(slots).size, slots.length, 'two frames share a slot');
    assert.ok(slots.every((slot) => slot >= 0 && slot < ringSlots(this.windows)));
    assert.ok(!slots.includes(graph.nextSlot), 'the next slot is in use');
    assert.ok(graph.pairCount <= maxPairs(this.windows), `${graph.pairCount} pairs`);
    const table = this.#table();
    assert.equal(table.length, this.pairs.size);
    for (const { key, value } of table) assert.equal(value, this.pairs.get(key), `state of ${key}`);
    for (const key of this.pairs.keys()) {
      const [source, target] = key.split(' -> ').map(Number) as [number, number];
      const slot = (sequence: number) => this.#frameOf(sequence).slot;
      assert.ok(graph.hasPair(slot(source), slot(target)));
    }
    this.#checkLinks(table);
    this.#checkPoseVariables(false);
    this.#checkPoseVariables(true);
  }

  #frameOf(sequence: number): GraphFrame {
    return this.graph.frames.find((frame) => frame.sequence === sequence)!;
  }

  /** The pair table by sequence numbers; fails on a slot of no frame and on duplicates. */
  #table(): TableRow[] {
    const { graph } = this;
    const sequenceOf = new Map(graph.frames.map(({ slot, sequence }) => [slot, sequence]));
    const table = Array.from({ length: graph.pairCount }, (_, pair) => {
      const [source, target] = [sequenceOf.get(graph.source[pair]!), sequenceOf.get(graph.target[pair]!)];
      assert.ok(source !== undefined && target !== undefined, `pair ${pair} is of a frame that is gone`);
      return { pair, key: keyOf(source, target), source, target, value: this.storage.values[pair]! };
    });
    assert.equal(new Set(table.map(({ key }) => key)).size, table.length, 'a pair is there twice');
    return table;
  }

  /** Neighbours by search: the same source, the nearest older and newer target. */
  #checkLinks(table: TableRow[]): void {
    const { graph } = this;
    graph.link();
    const sources = this.frames.filter((sequence) => table.some(({ source }) => source === sequence));
    assert.equal(graph.sourceCount, sources.length);
    for (const { pair, key, source, target } of table) {
      const row = table.filter((other) => other.source === source).sort((a, b) => a.target - b.target);
      const at = row.findIndex((other) => other.target === target);
      assert.equal(graph.previous[pair], row[at - 1]?.pair ?? -1, `previous of ${key}`);
      assert.equal(graph.next[pair], row[at + 1]?.pair ?? -1, `next of ${key}`);
      assert.equal(graph.sourceIndex[pair], sources.indexOf(source), `source index of ${key}`);
    }
  }

  #checkPoseVariables(bounded: boolean): void {
    const { optimizationWindow } = this.windows;
    const movable = this.frames.filter((_, f) => f > 0 || !this.#anchored);
    const free = bounded ? movable.slice(-optimizationWindow) : movable;
    const out = new Int32Array(ringSlots(this.windows)).fill(99);
    assert.equal(this.graph.poseVariables(out, bounded), free.length);
    const expected = new Int32Array(out.length).fill(-1);
    free.forEach((sequence, variable) => {
      expected[this.#frameOf(sequence).slot] = variable;
    });
    assert.deepEqual(out, expected);
  }

  #keepPairs(keep: (source: number, target: number) => boolean): void {
    for (const key of this.pairs.keys()) {
      const [source, target] = key.split(' -> ').map(Number) as [number, number];
      if (!keep(source, target)) this.pairs.delete(key);
    }
  }
}
