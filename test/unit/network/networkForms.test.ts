// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { join } from 'node:path';
import type { Network } from '../../../src/network/Network.ts';
import type { NetworkForms } from '../../../src/network/neededParts.ts';
import { laneModels } from '../../../src/network/OnnxLanes.ts';
import { openNetwork } from '../../../src/network/openNetwork.ts';
import { writeInt8Model } from '../../conformance/int8Model.ts';
import { narrowed } from '../../conformance/narrowed.ts';
import { randomNumbers, randomWeights, TINY_MODEL } from '../../conformance/randomNetwork.ts';
import { temporaryFolder } from '../../conformance/temporaryFolder.ts';
import { completeBatch, PATCHES } from './workload.ts';

const HEIGHT = 48;
const WIDTH = 64;
const RUNTIMES = ['onnxruntime', 'native'] as const;
const PRECISIONS = ['fp32', 'int8'] as const;

/**
 * Mean differences: single precision; and single integers rounded the other way, since onnxruntime has biases in units of the accumulators. Another network differs
 * by about 1, another precision of this one by about 0.1.
 */
const TOLERANCE = { fp32: 1e-5, int8: 8e-3 };

describe('networks in every mix of runtimes and precisions', function () {
  this.timeout(60000);
  const folder = temporaryFolder();
  before(async () => {
    await writeInt8Model(folder, 'tiny');
    await writeInt8Model(folder, 'pruned', narrowed(randomWeights(TINY_MODEL, 2)));
  });

  for (const model of ['tiny', 'pruned']) {
    describe(`model ${model}`, () => {
      const reference = {} as Record<'fp32' | 'int8', Outputs>;
      before(async () => {
        for (const precision of PRECISIONS)
          reference[precision] = await outputsOf(model, { precision: { encoder: precision, update: precision } });
      });

      for (const encoder of RUNTIMES) {
        for (const update of RUNTIMES) {
          for (const [encoderPrecision, updatePrecision] of PRECISIONS.flatMap((a) =>
            PRECISIONS.map((b) => [a, b] as const),
          )) {
            it(`encoders ${encoderPrecision} with ${encoder}, update operator ${updatePrecision} with ${update}`, async () => {
              const outputs = await outputsOf(model, {
                runtime: { encoder, update },
                precision: { encoder: encoderPrecision, update: updatePrecision },
              });
              for (const name of ['features', 'context'] as const) {
                closeTo(outputs[name], reference[encoderPrecision][name], TOLERANCE[encoderPrecision], name);
              }
              for (const name of ['hiddenOut', 'delta', 'weight'] as const) {
                closeTo(outputs[name], reference[updatePrecision][name], TOLERANCE[updatePrecision], name);
              }
            });
          }
        }
      }

      for (const runtime of RUNTIMES) {
        it(`the same bits from int8 with ${runtime}, whatever the number of threads`, async () => {
          const forms: NetworkForms = {
            runtime: { encoder: runtime, update: runtime },
            precision: { encoder: 'int8', update: 'int8' },
          };
          assert.deepEqual(await outputsOf(model, forms, 1), await outputsOf(model, forms, 3));
        });
      }
    });
  }

  it('a network that another runtime computes has no session', () => {
    const graph = new Uint8Array(1);
    const encoder = { features: graph, context: graph };
    const alone = laneModels({ encoder }, TINY_MODEL, 6);
    assert.equal(alone.length, 2);
    assert.ok(alone.every(({ update }) => update === undefined));
    assert.deepEqual(
      alone.map(({ features, context }) => [features?.threads, context?.threads]),
      [
        [5, undefined],
        [undefined, 1],
      ],
    );
    const updates = laneModels({ update: graph }, TINY_MODEL, 6);
    assert.equal(updates.length, 6);
    assert.ok(updates.every(({ update, features, context }) => update === graph && !features && !context));
    assert.equal(laneModels({ encoder, update: graph }, TINY_MODEL, 1).length, 1);
  });

  it('busy and closed hold for both networks together', async () => {
    const { network } = await open('tiny', { runtime: { encoder: 'onnxruntime', update: 'native' } });
    const first = network.encode();
    await assert.rejects(network.update(completeBatch(network, 1, 1)), { code: 'QPVO_BUSY' });
    await first;
    await network.close();
    await assert.rejects(network.update(completeBatch(network, 1, 1)), { code: 'QPVO_CLOSED' });
  });

  async function open(model: string, forms: Partial<NetworkForms>, threads = 2) {
    const network = await openNetwork(join(folder, model), { threads, ...forms });
    const random = randomNumbers(4);
    const buffers = {
      image: Float32Array.from({ length: HEIGHT * WIDTH }, () => 2 * random() - 0.5),
      cells: Int32Array.from({ length: PATCHES }, (_, m) => 3 + 23 * m),
      features: new Float32Array((TINY_MODEL.featureDim * HEIGHT * WIDTH) / 16),
      context: new Float32Array(PATCHES * TINY_MODEL.hiddenDim),
    };
    const shape = { height: HEIGHT, width: WIDTH, patches: PATCHES, maxPairs: 12, maxSources: 3, ringSlots: 32 };
    network.allocate({ ...shape, buffers });
    return { network, buffers };
  }

  type Outputs = Record<'features' | 'context' | 'hiddenOut' | 'delta' | 'weight', Float32Array>;

  async function outputsOf(model: string, forms: Partial<NetworkForms>, threads?: number): Promise<Outputs> {
    const { network, buffers } = await open(model, forms, threads);
    await network.encode();
    const { hiddenOut, delta, weight } = await updated(network);
    await network.close();
    return { features: buffers.features, context: buffers.context, hiddenOut, delta, weight };
  }

  async function updated(network: Network) {
    const batch = completeBatch(network, 3, 4);
    await network.update(batch);
    return batch;
  }
});

function closeTo(actual: Float32Array, expected: Float32Array, tolerance: number, what: string): void {
  assert.equal(actual.length, expected.length);
  const mean = expected.reduce((sum, value, n) => sum + Math.abs(value - actual[n]!), 0) / expected.length;
  assert.ok(mean <= tolerance, `${what} differs by ${mean} in the mean`);
}
