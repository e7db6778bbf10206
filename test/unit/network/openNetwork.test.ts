// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { openNetwork } from '../../../src/network/openNetwork.ts';
import { completeBatch, digest, openSmall } from './workload.ts';

describe('network on the CPU', function () {
  this.timeout(60000);

  it('gives the same bits in every run, thread count and process', async () => {
    const first = await digest(2);
    assert.equal(await digest(2), first);
    assert.equal(await digest(1), first);
    assert.equal(await digest(3), first);
    const other = execFileSync(process.execPath, ['--import', 'tsx', 'test/unit/network/printDigest.ts'], {
      encoding: 'utf8',
    });
    assert.equal(other.trim(), first);
  });

  it('writes only what belongs to the pairs of the update', async () => {
    const { network } = await openSmall(2);
    const batch = completeBatch(network, 3, 4);
    batch.hiddenOut.fill(-7);
    batch.delta.fill(-7);
    batch.weight.fill(-7);
    const block = batch.delta.length / 12;
    const hiddenIn = batch.hiddenIn.slice();
    await network.update({ ...batch, count: 8 });
    assert.ok(batch.delta.subarray(8 * block).every((value) => value === -7));
    assert.ok(batch.weight.subarray(0, 8 * block).every((value) => value >= 0 && value <= 1));
    assert.ok(batch.hiddenOut.subarray((8 * batch.hiddenOut.length) / 12).every((value) => value === -7));
    assert.deepEqual(batch.hiddenIn, hiddenIn);
    await network.close();
  });

  it('sees what the caller writes into the buffers between calls', async () => {
    const { network, buffers } = await openSmall(2);
    await network.encode();
    const before = buffers.features.slice();
    buffers.image.reverse();
    await network.encode();
    assert.notDeepEqual(buffers.features, before);
    buffers.image.reverse();
    await network.encode();
    assert.deepEqual(buffers.features, before);
    await network.close();
  });

  it('an update without pairs does nothing', async () => {
    const { network } = await openSmall(2);
    await network.update({ ...completeBatch(network, 1, 1), count: 0 });
    await network.close();
  });

  it('does not grow when the number of pairs changes with every update', async () => {
    const { network } = await openSmall(2);
    const batches = Array.from({ length: 12 }, (_, n) => completeBatch(network, 1 + (n % 5), 1 + n));
    const round = async () => {
      for (const batch of batches) await network.update(batch);
    };
    for (let n = 0; n < 20; n++) await round();
    const before = process.memoryUsage().rss;
    for (let n = 0; n < 60; n++) await round();
    const grown = (process.memoryUsage().rss - before) / 2 ** 20;
    // Losing only the hidden state of every update would be 60 MB; heaps that settle take up to 15.
    assert.ok(grown < 32, `grew by ${grown.toFixed(1)} MB`);
    await network.close();
  });

  it('leaves the event loop free while it works', async () => {
    const { network } = await openSmall(1);
    const batch = completeBatch(network, 12, 12);
    let turns = 0;
    const timer = setInterval(() => turns++, 1);
    await network.update(batch);
    clearInterval(timer);
    assert.ok(turns >= 3, `${turns} turns`);
    await network.close();
  });

  it('a second call meanwhile is refused, and the first still ends well', async () => {
    const { network, buffers } = await openSmall(2);
    const first = network.encode();
    await assert.rejects(network.encode(), { code: 'QPVO_BUSY' });
    await assert.rejects(network.close(), { code: 'QPVO_BUSY' });
    const shape = { height: 96, width: 128, patches: 8, maxPairs: 1, maxSources: 1, ringSlots: 1, buffers };
    assert.throws(() => network.allocate(shape), { code: 'QPVO_BUSY' });
    await first;
    await network.encode();
    await network.close();
  });

  it('a closed network is refused; closing twice is fine', async () => {
    const { network } = await openSmall(1);
    await network.close();
    await network.close();
    await assert.rejects(network.encode(), { code: 'QPVO_CLOSED' });
  });

  it('without a shape nothing runs', async () => {
    const network = await openNetwork('models/small', { threads: 1 });
    await assert.rejects(network.encode(), { code: 'QPVO_INTERNAL' });
    await network.close();
  });

  it('an image of another size than the buffer is an error, and the network lives on', async () => {
    const { network, buffers } = await openSmall(2);
    network.allocate({ height: 112, width: 128, patches: 8, maxPairs: 1, maxSources: 1, ringSlots: 1, buffers });
    await assert.rejects(network.encode(), { code: 'QPVO_INTERNAL' });
    network.allocate({ height: 96, width: 128, patches: 8, maxPairs: 1, maxSources: 1, ringSlots: 1, buffers });
    await network.encode();
    await network.close();
  });
});
