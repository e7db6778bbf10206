// SPDX-License-Identifier: MIT
import { Worker } from 'node:worker_threads';
import { messageOf, QpvoError } from '../../error.ts';
import type { LaneAnswer, LaneModel, LaneRequest } from './laneMessages.ts';

/** The program of a lane beside this file, which is JavaScript when compiled and TypeScript when run from the sources. */
const PROGRAM = new URL(import.meta.url.endsWith('.ts') ? './laneFromSources.mjs' : './lane.js', import.meta.url);

interface Waiter {
  resolve: () => void;
  reject: (error: QpvoError) => void;
}

/** A lane as seen from the main thread: one request at a time, each answered by a settled promise. An idle lane does not keep the process alive. */
export class LaneThread {
  readonly #worker: Worker;
  #waiter: Waiter | undefined;
  #ended: QpvoError | undefined;

  private constructor(model: LaneModel) {
    this.#worker = new Worker(PROGRAM, { workerData: model, execArgv: [] });
    this.#worker.on('message', (answer: LaneAnswer) => this.#settle(answer));
    this.#worker.on('error', (error) => this.#end(messageOf(error)));
    this.#worker.on('exit', (code) => this.#end(`exit code ${code}`));
  }

  /** Starts a lane and waits until its networks are loaded. */
  static async start(model: LaneModel): Promise<LaneThread> {
    const lane = new LaneThread(model);
    try {
      await lane.#answer();
    } catch (error) {
      await lane.#worker.terminate();
      throw error;
    }
    return lane;
  }

  request(request: LaneRequest): Promise<void> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended);
    const answer = this.#answer();
    this.#worker.postMessage(request);
    return answer;
  }

  async close(): Promise<void> {
    if (this.#ended === undefined) await this.request({ kind: 'close' });
    await this.#worker.terminate();
  }

  #answer(): Promise<void> {
    this.#worker.ref();
    return new Promise((resolve, reject) => {
      this.#waiter = { resolve, reject };
    });
  }

  #settle(answer: LaneAnswer): void {
    const waiter = this.#waiter;
    this.#waiter = undefined;
    this.#worker.unref();
    if (answer.done) waiter?.resolve();
    else waiter?.reject(new QpvoError(answer.code, { what: answer.message.replace(/\.$/, '') }));
  }

  #end(received: string): void {
    const advice = 'Start again; if it happens again, there may be too little memory.';
    this.#ended ??= new QpvoError('QPVO_INTERNAL', { what: 'a network thread ended', received, advice });
    this.#waiter?.reject(this.#ended);
    this.#waiter = undefined;
  }
}
