// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { QpvoError } from '../../../src/error.ts';
import {
  nanosecondsOf,
  secondsOf,
  stampFromParts,
  stampFromSecondsText,
  stampToParts,
} from '../../../src/messages/stamps.ts';

describe('stamps', () => {
  const pairs: [bigint, number, number][] = [
    [1403638538577829376n, 1403638538, 577829376],
    [0n, 0, 0],
    [-1n, -1, 999999999],
    [-1_000_000_000n, -1, 0],
  ];
  for (const [ns, sec, nanosec] of pairs) {
    it(`${ns} ns = ${sec} s + ${nanosec} ns, both ways`, () => {
      assert.equal(stampFromParts(sec, nanosec), ns);
      assert.deepEqual(stampToParts(ns), { sec, nanosec });
    });
  }

  const texts: [string, bigint][] = [
    ['1403638538.577829376', 1403638538577829376n],
    ['1403636588.76356', 1403636588763560000n],
    ['1.036224e-01', 103622400n],
    ['1.5E3', 1500000000000n],
    ['12', 12000000000n],
    ['12.', 12000000000n],
    ['0.0000000019', 1n],
    ['-2.5', -2500000000n],
    [' 7 ', 7000000000n],
    ['5e-12', 0n],
  ];
  for (const [text, ns] of texts) {
    it(`"${text}" seconds are ${ns} ns`, () => assert.equal(stampFromSecondsText(text), ns));
  }

  for (const text of ['', 'abc', '1,5', '1.2.3', 'NaN', '0x10', '1e', '1e9999']) {
    it(`"${text}" is refused`, () =>
      assert.throws(
        () => stampFromSecondsText(text),
        (error: QpvoError) => error instanceof QpvoError && error.code === 'QPVO_SOURCE_CORRUPT',
      ));
  }

  it('durations go both ways', () => {
    assert.equal(nanosecondsOf(0.05), 50_000_000n);
    assert.equal(secondsOf(1_500_000_000n), 1.5);
  });
});
