// SPDX-License-Identifier: MIT
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf, QpvoError } from '../../error.ts';
import { forgetGpuProbe } from '../../native/gpuProbe.ts';
import type { ImageFrame } from '../../sources/Source.ts';
import type { OdometryOptions } from '../PatchOdometry.ts';
import type { TrackingView } from '../TrackingView.ts';
import type { FinishResult, TrackResult } from '../types.ts';
import type { Call, Failure, Reply } from './requests.ts';

/** The longest that answers may take, milliseconds. */
export interface ReplyLimits {
  /** Of making the odometry, and of images until the first pose: kernels are loaded when they are first used, and a driver compiles for minutes what has no machine code. */
  openMs: number;
  /** Of any other call. */
  callMs: number;
  /** Of closing, and of the end of the process. */
  closeMs: number;
}

export interface ProcessOptions {
  limits?: ReplyLimits;
  /** The program of the process. */
  program?: URL;
}

const LIMITS: ReplyLimits = { openMs: 600_000, callMs: 30_000, closeMs: 5000 };

/** Beside this file, which is JavaScript when compiled and TypeScript when run from the sources. */
const PROGRAM = new URL(import.meta.url.endsWith('.ts') ? './programFromSources.mjs' : './program.js', import.meta.url);

interface Waiter {
  resolve: (value: never) => void;
  reject: (error: Error) => void;
  timer: NodeJS.Timeout;
}

/**
 * PatchOdometry in a process of its own, for odometry on a GPU in a process that must live: CUDA keeps some faults for the life of the process that had them, and a driver
 * may crash or hang whoever uses it. Whatever happens there ends that process only; the next one has a GPU without a past.
 */
export class ProcessOdometry {
  readonly #child: ChildProcess;
  readonly #limits: ReplyLimits;
  readonly #exited: Promise<void>;
  readonly #waiting = new Map<number, Waiter>();
  #lastId = 0;
  #residentBytes = 0;
  /** There was a pose: all that is done on an image was done once. */
  #isWarm = false;
  /** Why no call is answered any more. */
  #ended: Error | undefined;
  #closing: Promise<void> | undefined;

  /** @throws what PatchOdometry.create() throws; QPVO_DEVICE_LOST when the process ends or does not answer */
  static async open(options: OdometryOptions, settings: ProcessOptions = {}): Promise<ProcessOdometry> {
    const { limits = LIMITS, program = PROGRAM } = settings;
    const odometry = new ProcessOdometry(await started(program), limits);
    try {
      await odometry.#ask({ call: 'open', options });
      return odometry;
    } catch (error) {
      await odometry.close();
      throw error;
    }
  }

  private constructor(child: ChildProcess, limits: ReplyLimits) {
    this.#child = child;
    this.#limits = limits;
    const kill = (): void => void child.kill('SIGKILL');
    process.once('exit', kill);
    this.#exited = new Promise((resolve) => {
      child.once('exit', (code, signal) => {
        process.off('exit', kill);
        this.#end(lost(`ended with ${signal ?? `exit code ${code}`}`));
        resolve();
      });
    });
    child.on('error', (error) => this.#end(lost(`could not be asked: ${messageOf(error)}`)));
    child.on('message', (reply: Reply) => this.#settle(reply));
  }

  /** Memory of the process on the host, as of its last answer. */
  get residentBytes(): number {
    return this.#residentBytes;
  }

  /**
   * As PatchOdometry.track(), but calls may be made without awaiting the last one: they are answered in order.
   * @throws QPVO_DEVICE_LOST, again and again, once the process has ended, does not answer, or has lost its GPU; QPVO_CLOSED after close()
   */
  async track(frame: ImageFrame): Promise<TrackResult> {
    const result = await this.#ask<TrackResult>({ call: 'track', frame });
    this.#isWarm ||= result.T_world_camera !== undefined;
    return result;
  }

  restart(): Promise<FinishResult> {
    return this.#ask({ call: 'restart' });
  }

  /** What was seen last, when this was called; undefined before the first image. */
  view(): Promise<TrackingView | undefined> {
    return this.#ask({ call: 'view' });
  }

  /** Resolves when the process is gone, and with it all it held; or later than the limit, when not even that ends it. Never rejects. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const closed = new QpvoError('QPVO_CLOSED', { what: 'the odometry is closed', advice: 'Create another one.' });
    const { closeMs } = this.#limits;
    await this.#ask({ call: 'close' }, closeMs, closed).catch(() => undefined);
    this.#end(closed);
    await Promise.race([this.#exited, sleep(closeMs, undefined, { ref: false })]);
  }

  /** @param late what every call gives from now on when there is no answer in time */
  #ask<T>(
    call: Call,
    limitMs = this.#isWarm ? this.#limits.callMs : this.#limits.openMs,
    late: Error = lost(`gave no answer within ${limitMs / 1000} s`),
  ): Promise<T> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended);
    const id = ++this.#lastId;
    return new Promise<T>((resolve, reject) => {
      this.#child.send({ id, ...call }, (error) => {
        if (error !== null) this.#end(lost(`could not be asked: ${messageOf(error)}`));
      });
      this.#waiting.set(id, { resolve, reject, timer: setTimeout(() => this.#end(late), limitMs) });
    });
  }

  #settle(reply: Reply): void {
    const waiter = this.#waiting.get(reply.id);
    if (waiter === undefined) return;
    this.#residentBytes = reply.residentBytes;
    this.#waiting.delete(reply.id);
    clearTimeout(waiter.timer);
    if (!('failure' in reply)) {
      waiter.resolve(reply.value as never);
      return;
    }
    const error = errorOf(reply.failure);
    if (reply.failure.code === 'QPVO_DEVICE_LOST') this.#end(error);
    waiter.reject(error);
  }

  /** From now on every call gives this error, and the process is ended: there is nothing in it that anybody could still use. */
  #end(error: Error): void {
    if (this.#ended !== undefined) return;
    this.#ended = error;
    if (error instanceof QpvoError && error.code === 'QPVO_DEVICE_LOST') forgetGpuProbe();
    for (const { reject, timer } of this.#waiting.values()) {
      clearTimeout(timer);
      reject(error);
    }
    this.#waiting.clear();
    this.#child.kill('SIGKILL');
  }
}

/** @throws QPVO_DEVICE_LOST */
async function started(program: URL): Promise<ChildProcess> {
  try {
    const child = fork(program, {
      execArgv: [],
      serialization: 'advanced',
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    // A child that is none must not be killed: its place would be that of the whole process group.
    if (child.pid === undefined) await once(child, 'spawn');
    return child;
  } catch (error) {
    throw lost(`could not be started: ${messageOf(error)}`);
  }
}

function lost(how: string): QpvoError {
  return new QpvoError('QPVO_DEVICE_LOST', {
    what: `the process of the odometry ${how}`,
    advice:
      'The GPU or its driver failed, or memory ran out: the kernel log (`dmesg`, lines with Xid or "Out of memory") tells more.',
  });
}

function errorOf({ code, message, stack }: Failure): Error {
  if (code !== undefined) return new QpvoError(code, { what: message });
  return Object.assign(new Error(message), { stack });
}
