// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { Worker } from 'node:worker_threads';
import { addonPath, loadAddon } from '../../src/native/loadAddon.ts';

describe('memory lent to other threads', () => {
  const addon = loadAddon();

  it('is the same memory in another thread', async () => {
    const array = Float32Array.of(1, 2, 3);
    const loan = addon.lend(new Uint8Array(array.buffer));
    const program = `
      const { workerData } = require('node:worker_threads');
      const view = new Float32Array(require(workerData.path).borrow(workerData.loan));
      view[1] = view[0] + view[2];`;
    const worker = new Worker(program, { eval: true, execArgv: [], workerData: { path: addonPath(), loan } });
    await new Promise((resolve, reject) => worker.once('exit', resolve).once('error', reject));
    assert.deepEqual(array, Float32Array.of(1, 4, 3));
    addon.reclaim(loan);
  });

  it('cannot be borrowed after it was reclaimed', () => {
    const loan = addon.lend(new Uint8Array(8));
    assert.equal(addon.borrow(loan).byteLength, 8);
    addon.reclaim(loan);
    assert.throws(() => addon.borrow(loan), /no loan/);
  });

  it('only byte arrays can be lent', () => {
    assert.throws(() => addon.lend(Float32Array.of(1) as unknown as Uint8Array), /Uint8Array/);
    assert.throws(() => addon.lend(undefined as unknown as Uint8Array), /Uint8Array/);
    assert.throws(() => addon.borrow(-1), /loan/);
  });
});
