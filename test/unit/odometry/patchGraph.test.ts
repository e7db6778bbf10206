// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { maxPairs, maxSources, ringSlots, type Windows } from '../../../src/odometry/windows.ts';
import { random } from '../../native/makeOps.ts';
import { PairLedger } from './pairLedger.ts';

const DEFAULT: Windows = { removalWindow: 22, optimizationWindow: 10, patchLifetime: 13, keyframeIndex: 4 };
const FAST: Windows = { removalWindow: 16, optimizationWindow: 7, patchLifetime: 11, keyframeIndex: 4 };

describe('frame pairs in steady state', () => {
  for (const { name, windows, pairs } of [
    { name: 'default windows 22/13', windows: DEFAULT, pairs: 497 },
    { name: 'fast windows 16/11', windows: FAST, pairs: 302 },
  ]) {
    it(`${name}: ${pairs} pairs at update time, ${2 * windows.patchLifetime - 1} new ones a frame`, () => {
      assert.equal(maxPairs(windows), pairs);
      const ledger = new PairLedger(windows);
      for (let i = 0; i < 80; i++) {
        const before = ledger.graph.pairCount;
        ledger.accept();
        if (i >= windows.patchLifetime) assert.equal(ledger.graph.pairCount - before, 2 * windows.patchLifetime - 1);
        if (i > 40) assert.equal(ledger.graph.pairCount, pairs);
        ledger.check();
        assert.ok(ledger.graph.sourceCount <= maxSources(windows));
        assert.equal(ledger.retire().length, i >= windows.removalWindow ? 1 : 0);
        ledger.evict();
      }
      assert.equal(ledger.graph.sourceCount, maxSources(windows));
    });
  }

  it('a frame of a growing window has pairs with all frames before it', () => {
    const ledger = new PairLedger(FAST);
    for (let n = 1; n <= 8; n++) {
      ledger.accept();
      assert.equal(ledger.graph.pairCount, n * n);
    }
  });
});

/** One frame as the odometry treats it: accept, perhaps remove a keyframe, retire, evict. */
function step(ledger: PairLedger, removes: boolean): { evicted: number } {
  const { keyframeIndex } = ledger.windows;
  ledger.accept();
  ledger.check();
  assert.ok(ledger.graph.sourceCount <= maxSources(ledger.windows));
  const position = ledger.graph.n - keyframeIndex;
  if (removes && position >= 1 && position + 1 < ledger.graph.n) {
    ledger.remove(position);
    ledger.check();
  }
  ledger.retire();
  ledger.check();
  const evicted = ledger.evict();
  ledger.check();
  return { evicted };
}

describe('pairs into a frame', () => {
  it('are those of all other sources with this target, by their place in the table, also after removals', () => {
    const ledger = new PairLedger(FAST);
    for (let i = 0; i < 15; i++) ledger.accept();
    ledger.remove(11);
    const { graph } = ledger;
    const newest = graph.frames.at(-1)!.slot;
    const found = graph.pairsInto(newest);
    assert.deepEqual(
      found.map(({ source }) => source).toSorted((a, b) => a - b),
      graph.frames
        .slice(-11, -1)
        .map(({ slot }) => slot)
        .filter((slot) => graph.hasPair(slot, newest))
        .toSorted((a, b) => a - b),
    );
    for (const { pair, source } of found) assert.deepEqual([graph.source[pair], graph.target[pair]], [source, newest]);
    assert.deepEqual(graph.pairsInto(99), []);
  });
});

describe('random runs of accepting, removing, retiring and evicting', () => {
  it('keep every invariant, for random windows and shares of removed keyframes', () => {
    const next = random(77);
    const between = (low: number, high: number) => low + Math.floor(next() * (high - low + 1));
    let evicted = 0;
    for (let run = 0; run < 20; run++) {
      const windows: Windows = {
        removalWindow: between(6, 12),
        optimizationWindow: between(2, 10),
        patchLifetime: between(3, 9),
        keyframeIndex: between(2, 10),
      };
      const share = [0, 0.3, 0.9, 1][run % 4]!;
      const ledger = new PairLedger(windows);
      for (let i = 0; i < 45; i++) evicted += step(ledger, next() < share).evicted;
      ledger.clear(between(0, ringSlots(windows) - 1));
      for (let i = 0; i < 10; i++) step(ledger, next() < share);
    }
    assert.ok(evicted > 200, `only ${evicted} frames left the window`);
  });

  it('a camera that stands still for long leaves the window as it is', () => {
    const ledger = new PairLedger(FAST);
    for (let i = 0; i < 8; i++) step(ledger, false);
    const before = ledger.frames.slice(0, 4);
    for (let i = 0; i < 100; i++) step(ledger, true);
    assert.deepEqual(ledger.frames.slice(0, 4), before);
    assert.equal(ledger.graph.n, 8);
  });
});

describe('pose variables', () => {
  it('the first frame of a segment is never free, until it leaves', () => {
    const ledger = new PairLedger(FAST);
    const free = (bounded: boolean) => ledger.graph.poseVariables(new Int32Array(ringSlots(FAST)), bounded);
    ledger.accept();
    assert.deepEqual([free(false), free(true)], [0, 0]);
    for (let i = 1; i < 8; i++) ledger.accept();
    assert.deepEqual([free(false), free(true)], [7, 7]);
    ledger.accept();
    assert.deepEqual([free(false), free(true)], [8, 7]);
  });

  it('an empty graph has none', () => {
    const ledger = new PairLedger(FAST);
    ledger.check();
    assert.equal(ledger.graph.poseVariables(new Int32Array(ringSlots(FAST)), true), 0);
  });
});
