// SPDX-License-Identifier: MIT
// The program of a lane: a thread that runs the networks, one request at a time.
import { parentPort, workerData } from 'node:worker_threads';
import { messageOf, QpvoError } from '../../error.ts';
import { FrameEncoder } from '../FrameEncoder.ts';
import { SourceUpdater } from '../SourceUpdater.ts';
import type { BindRequest, LaneAnswer, LaneModel, LaneRequest, UpdateRequest } from './laneMessages.ts';
import { Borrower } from './lending.ts';

class Lane {
  readonly #model: LaneModel;
  readonly #borrower = new Borrower();
  #updater: SourceUpdater | undefined;
  #features: FrameEncoder | undefined;
  #context: FrameEncoder | undefined;

  constructor(model: LaneModel) {
    this.#model = model;
  }

  async open(): Promise<void> {
    const { features, context, update, sizes } = this.#model;
    if (features !== undefined)
      this.#features = await FrameEncoder.open(features.model, 'feature encoder', features.threads);
    if (context !== undefined)
      this.#context = await FrameEncoder.open(context.model, 'context encoder', context.threads);
    if (update !== undefined) this.#updater = await SourceUpdater.open(update, sizes);
  }

  async handle(request: LaneRequest): Promise<void> {
    switch (request.kind) {
      case 'bind':
        return this.#bind(request);
      case 'encode':
        await this.#features?.run();
        await this.#context?.run();
        return;
      case 'update':
        return this.#update(request);
      case 'close':
        await Promise.all([this.#features?.close(), this.#context?.close(), this.#updater?.close()]);
        return;
    }
  }

  #bind(request: BindRequest): void {
    const buffers = {
      image: this.#borrower.floats(request.image),
      cells: this.#borrower.integers(request.cells),
      features: this.#borrower.floats(request.features),
      context: this.#borrower.floats(request.context),
    };
    this.#features?.bindFeatures({ ...request, buffers }, this.#model.sizes);
    this.#context?.bindContext({ ...request, buffers }, this.#model.sizes);
  }

  async #update(request: UpdateRequest): Promise<void> {
    const arrays = {
      source: request.source,
      hiddenIn: this.#borrower.floats(request.hiddenIn),
      hiddenOut: this.#borrower.floats(request.hiddenOut),
      contextRing: this.#borrower.floats(request.contextRing),
      correlation: this.#borrower.floats(request.correlation),
      delta: this.#borrower.floats(request.delta),
      weight: this.#borrower.floats(request.weight),
    };
    for (;;) {
      const chain = request.chains[Atomics.add(request.turn, 0, 1)];
      if (chain === undefined) return;
      await this.#updater?.run(chain, arrays, request.patches);
    }
  }
}

async function answered(work: Promise<void>): Promise<LaneAnswer> {
  try {
    await work;
    return { done: true };
  } catch (error) {
    return { done: false, code: error instanceof QpvoError ? error.code : 'QPVO_INTERNAL', message: messageOf(error) };
  }
}

const lane = new Lane(workerData as LaneModel);
parentPort?.on('message', async (request: LaneRequest) => {
  parentPort?.postMessage(await answered(lane.handle(request)));
  if (request.kind === 'close') parentPort?.close();
});
parentPort?.postMessage(await answered(lane.open()));
