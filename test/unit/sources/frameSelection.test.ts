// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { frameSelection } from '../../../src/sources/frameSelection.ts';
import type { FrameRange } from '../../../src/sources/Source.ts';

const SECOND = 1_000_000_000n;

/** Stamps taken out of 0, 0.5, 1, ... 5 s after the first. */
function taken(range: FrameRange): number[] {
  const select = frameSelection(range);
  const result: number[] = [];
  for (let i = 0; i <= 10; i++) {
    const selection = select(100n * SECOND + (BigInt(i) * SECOND) / 2n);
    if (selection === 'stop') break;
    if (selection === 'take') result.push(i / 2);
  }
  return result;
}

describe('range of frames', () => {
  const cases: [FrameRange, number[]][] = [
    [{}, [0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5, 4, 4.5, 5]],
    [{ startS: 1 }, [1, 1.5, 2, 2.5, 3, 3.5, 4, 4.5, 5]],
    [{ endS: 1 }, [0, 0.5, 1]],
    [{ startS: 1, endS: 2.25 }, [1, 1.5, 2]],
    [{ stride: 4 }, [0, 2, 4]],
    [{ startS: 0.75, stride: 3 }, [1, 2.5, 4]],
    [{ startS: 9 }, []],
    [{ startS: 2, endS: 2 }, [2]],
  ];
  for (const [range, stamps] of cases) {
    it(`${JSON.stringify(range)} takes ${stamps.join(' ')}`, () => assert.deepEqual(taken(range), stamps));
  }

  it('stamps that repeat or go back are taken', () => {
    const select = frameSelection({});
    assert.deepEqual([5n, 5n, 3n, 9n].map(select), ['take', 'take', 'take', 'take']);
  });

  for (const range of [{ stride: 0 }, { stride: 1.5 }, { startS: -1 }, { startS: 2, endS: 1 }, { endS: Number.NaN }]) {
    it(`${JSON.stringify(range)} is refused`, () =>
      assert.throws(() => frameSelection(range), { code: 'QPVO_PARAMETER' }));
  }
});
