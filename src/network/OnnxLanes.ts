// SPDX-License-Identifier: MIT
import { setImmediate as nextTurn } from 'node:timers/promises';
import { LaneThread } from './lanes/LaneThread.ts';
import type { LaneModel, LaneRequest } from './lanes/laneMessages.ts';
import { Lender } from './lanes/lending.ts';
import type { NetworkShape, PairBatch } from './Network.ts';
import type { EncoderRuntime, UpdateRuntime } from './parts.ts';
import { sourceChains } from './sourceChains.ts';
import type { NetworkSizes } from './weights/networkSizes.ts';

/** The graphs to be run; a network that another runtime computes is left out. */
export interface OnnxGraphs {
  encoder?: { features: Uint8Array; context: Uint8Array } | undefined;
  update?: Uint8Array | undefined;
}

export interface OnnxRuntimes {
  encoder: EncoderRuntime | undefined;
  update: UpdateRuntime | undefined;
}

/** An update has about 17 source frames to share out, and every lane takes memory. */
const MAX_LANES = 8;
/** The context encoder has a lane of its own beside the feature encoder. */
const ENCODER_LANES = 2;

/**
 * Starts onnxruntime on the CPU, in one thread per core: onnxruntime-node works on the thread that calls it. Both networks share the threads, which end
 * when both are closed.
 *
 * @throws QPVO_MODEL when a graph cannot be loaded; QPVO_ADDON when the addon is not built
 */
export async function openOnnxRuntimes(
  graphs: OnnxGraphs,
  sizes: NetworkSizes,
  threads: number,
): Promise<OnnxRuntimes> {
  const users = [graphs.encoder, graphs.update].filter((graph) => graph !== undefined).length;
  if (users === 0) return { encoder: undefined, update: undefined };
  const lender = new Lender();
  const starting: Promise<LaneThread>[] = [];
  for (const model of laneModels(graphs, sizes, threads)) {
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
  const shared = new OnnxLanes(started, lender, users);
  return {
    encoder: graphs.encoder && new OnnxEncoder(shared),
    update: graphs.update && new OnnxUpdate(shared),
  };
}

/** What each lane is started with. */
export function laneModels({ encoder, update }: OnnxGraphs, sizes: NetworkSizes, threads: number): LaneModel[] {
  const lanes = Math.min(threads, update === undefined ? ENCODER_LANES : MAX_LANES);
  const features = encoder && { model: encoder.features, threads: Math.max(1, threads - 1) };
  const context = encoder && { model: encoder.context, threads: 1 };
  return Array.from({ length: lanes }, (_, lane) => ({
    sizes,
    update,
    features: lane === 0 ? features : undefined,
    context: lane === Math.min(1, lanes - 1) ? context : undefined,
  }));
}

/** The threads, and the memory lent to them. */
class OnnxLanes {
  readonly lender: Lender;
  readonly #lanes: LaneThread[];
  #users: number;

  constructor(lanes: LaneThread[], lender: Lender, users: number) {
    this.#lanes = lanes;
    this.lender = lender;
    this.#users = users;
  }

  /** The same request to the first `count` lanes. Waits for all, then throws the first failure: no lane may still be at work when a call returns. */
  async request(request: LaneRequest, count = this.#lanes.length): Promise<void> {
    const work = this.#lanes.slice(0, count).map((lane) => lane.request(request));
    for (const result of await Promise.allSettled(work)) if (result.status === 'rejected') throw result.reason;
  }

  /** One of the networks is closed. */
  async leave(): Promise<void> {
    this.#users -= 1;
    if (this.#users > 0) return;
    await Promise.all(this.#lanes.map((lane) => lane.close()));
    this.lender.close();
  }
}

class OnnxEncoder implements EncoderRuntime {
  readonly #lanes: OnnxLanes;

  constructor(lanes: OnnxLanes) {
    this.#lanes = lanes;
  }

  bind({ height, width, patches, buffers }: NetworkShape): Promise<void> {
    const lend = (array: Float32Array | Int32Array) => this.#lanes.lender.lend(array);
    const { image, cells, features, context } = buffers;
    const arrays = { image: lend(image), cells: lend(cells), features: lend(features), context: lend(context) };
    return this.#lanes.request({ kind: 'bind', height, width, patches, ...arrays }, ENCODER_LANES);
  }

  encode(): Promise<void> {
    return this.#lanes.request({ kind: 'encode' }, ENCODER_LANES);
  }

  close(): Promise<void> {
    return this.#lanes.leave();
  }
}

class OnnxUpdate implements UpdateRuntime {
  readonly #lanes: OnnxLanes;
  readonly #turn = new Int32Array(new SharedArrayBuffer(4));
  #patches = 0;

  constructor(lanes: OnnxLanes) {
    this.#lanes = lanes;
  }

  async bind({ patches }: NetworkShape): Promise<void> {
    this.#patches = patches;
  }

  async update(batch: PairBatch): Promise<void> {
    const lend = (array: Float32Array | Int32Array) => this.#lanes.lender.lend(array);
    const chains = sourceChains(batch);
    this.#turn[0] = 0;
    const request: LaneRequest = {
      kind: 'update',
      patches: this.#patches,
      chains,
      turn: this.#turn,
      source: batch.source.slice(0, batch.count),
      hiddenIn: lend(batch.hiddenIn),
      hiddenOut: lend(batch.hiddenOut),
      contextRing: lend(batch.contextRing),
      correlation: lend(batch.correlation),
      delta: lend(batch.delta),
      weight: lend(batch.weight),
    };
    await this.#lanes.request(request, chains.length);
  }

  close(): Promise<void> {
    return this.#lanes.leave();
  }
}
