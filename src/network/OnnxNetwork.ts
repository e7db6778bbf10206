// SPDX-License-Identifier: MIT
import { setImmediate as nextTurn } from 'node:timers/promises';
import { QpvoError } from '../error.ts';
import { LaneThread } from './lanes/LaneThread.ts';
import type { LaneModel, LaneRequest } from './lanes/laneMessages.ts';
import { Lender } from './lanes/lending.ts';
import { loadModelFile, type ModelManifest, readManifest } from './manifest.ts';
import type { Network, NetworkShape, PairBatch } from './Network.ts';
import { sourceChains } from './sourceChains.ts';

export interface NetworkOptions {
  /** Cores to use, from 1. */
  threads: number;
}

/**
 * Opens a model with onnxruntime on the CPU, in one thread per core: onnxruntime-node works on the thread that calls it.
 * @throws QPVO_MODEL when the folder is no complete, undamaged model; QPVO_ADDON when the addon is not built
 */
export async function openNetwork(modelDir: string, { threads }: NetworkOptions): Promise<Network> {
  const manifest = readManifest(modelDir);
  const lender = new Lender();
  const files: ModelFiles = {
    update: await loadModelFile(modelDir, manifest, 'update'),
    features: await loadModelFile(modelDir, manifest, 'features'),
    context: await loadModelFile(modelDir, manifest, 'context'),
  };
  const starting: Promise<LaneThread>[] = [];
  for (const model of laneModels(files, manifest, threads)) {
    starting.push(LaneThread.start(model));
    // The start of a thread takes a millisecond or two of this one; a failure is looked at below.
    starting.at(-1)!.catch(() => undefined);
    await nextTurn();
  }
  const lanes = await Promise.allSettled(starting);
  const started = lanes.flatMap((lane) => (lane.status === 'fulfilled' ? [lane.value] : []));
  for (const lane of lanes) {
    if (lane.status === 'fulfilled') continue;
    await Promise.all(started.map((other) => other.close()));
    throw lane.reason;
  }
  return new OnnxNetwork(manifest, started, lender);
}

/** An update has about 17 source frames to share out, and every lane takes memory. */
const MAX_LANES = 8;

type ModelFiles = Record<'update' | 'features' | 'context', Uint8Array>;

/** The context encoder has a lane of its own beside the feature encoder, which gets the remaining cores. */
function laneModels(files: ModelFiles, { sizes }: ModelManifest, threads: number): LaneModel[] {
  const { update } = files;
  const features = { model: files.features, threads: Math.max(1, threads - 1) };
  const context = { model: files.context, threads: 1 };
  const lanes = Math.min(threads, MAX_LANES);
  return Array.from({ length: lanes }, (_, lane) => ({
    sizes,
    update,
    features: lane === 0 ? features : undefined,
    context: lane === Math.min(1, lanes - 1) ? context : undefined,
  }));
}

class OnnxNetwork implements Network {
  readonly manifest: ModelManifest;
  readonly #lanes: LaneThread[];
  readonly #lender: Lender;
  readonly #turn = new Int32Array(new SharedArrayBuffer(4));
  #shape: NetworkShape | undefined;
  #bound = false;
  #state: 'free' | 'busy' | 'closed' = 'free';

  constructor(manifest: ModelManifest, lanes: LaneThread[], lender: Lender) {
    this.manifest = manifest;
    this.#lanes = lanes;
    this.#lender = lender;
  }

  allocate(shape: NetworkShape): void {
    this.#shape = shape;
    this.#bound = false;
  }

  encode(): Promise<void> {
    return this.#alone(async (shape) => {
      await this.#bind(shape);
      const encoders = this.#lanes.slice(0, 2);
      await together(encoders.map((lane) => lane.request({ kind: 'encode' })));
    });
  }

  update(batch: PairBatch): Promise<void> {
    return this.#alone(async ({ patches, maxPairs }) => {
      if (batch.count > maxPairs) {
        throw new QpvoError('QPVO_INTERNAL', {
          what: 'too many frame pairs',
          expected: `at most ${maxPairs}`,
          received: `${batch.count}`,
        });
      }
      const chains = sourceChains(batch);
      this.#turn[0] = 0;
      const request: LaneRequest = {
        kind: 'update',
        patches,
        chains,
        turn: this.#turn,
        source: batch.source.slice(0, batch.count),
        hiddenIn: this.#lender.lend(batch.hiddenIn),
        hiddenOut: this.#lender.lend(batch.hiddenOut),
        contextRing: this.#lender.lend(batch.contextRing),
        correlation: this.#lender.lend(batch.correlation),
        delta: this.#lender.lend(batch.delta),
        weight: this.#lender.lend(batch.weight),
      };
      await together(this.#lanes.slice(0, chains.length).map((lane) => lane.request(request)));
    });
  }

  async close(): Promise<void> {
    if (this.#state === 'closed') return;
    if (this.#state === 'busy') throw busy();
    this.#state = 'closed';
    await Promise.all(this.#lanes.map((lane) => lane.close()));
    this.#lender.close();
  }

  async #bind({ height, width, patches, buffers }: NetworkShape): Promise<void> {
    if (this.#bound) return;
    const lend = (array: Float32Array | Int32Array) => this.#lender.lend(array);
    const { image, cells, features, context } = buffers;
    const arrays = { image: lend(image), cells: lend(cells), features: lend(features), context: lend(context) };
    await together(this.#lanes.map((lane) => lane.request({ kind: 'bind', height, width, patches, ...arrays })));
    this.#bound = true;
  }

  /** Runs one call at a time. */
  async #alone(run: (shape: NetworkShape) => Promise<void>): Promise<void> {
    if (this.#state === 'closed') throw new QpvoError('QPVO_CLOSED', { what: 'the network is closed' });
    if (this.#state === 'busy') throw busy();
    if (this.#shape === undefined)
      throw new QpvoError('QPVO_INTERNAL', {
        what: 'the network was not given its shape',
        expected: 'allocate() first',
      });
    this.#state = 'busy';
    try {
      await run(this.#shape);
    } finally {
      this.#state = 'free';
    }
  }
}

function busy(): QpvoError {
  return new QpvoError('QPVO_BUSY', { what: 'the network is at work', advice: 'Await the last call first.' });
}

/** Waits for all, then throws the first failure: no lane may still be at work when a call returns. */
async function together(work: Promise<void>[]): Promise<void> {
  for (const result of await Promise.allSettled(work)) if (result.status === 'rejected') throw result.reason;
}
