// SPDX-License-Identifier: MIT
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { messageOf, QpvoError } from '../error.ts';
import type { EngineMachine, EngineOptions } from './EngineKey.ts';
import { builderPath } from './places.ts';

/** What TensorRT and the GPU are; cores of the deep learning accelerator where it has some. */
export interface TensorrtReport extends EngineMachine {
  dlaCores: number;
}

/** A line of the builder, as JSON. */
export type BuilderEvent =
  | ({ event: 'machine' } & TensorrtReport)
  | { event: 'phase'; name: string; parent: string; steps: number }
  | { event: 'step'; name: string; step: number }
  | { event: 'finish'; name: string }
  | { event: 'warning'; text: string }
  | { event: 'error'; code: string; text: string }
  | { event: 'plan'; bytes: number };

export interface BuildOrder extends EngineOptions {
  /** File with the graph. */
  onnx: string;
  /** File for the plan; written whole, or not at all. */
  plan: string;
  /** File of measurements to read, and to write anew. */
  timings: string;
  inputs: Readonly<Record<string, readonly number[]>>;
}

/** How long the version of TensorRT may take: loading it from a slow disk, and starting CUDA. */
const PROBE_MS = 60_000;
/** How long a build may take to end when asked; TensorRT asks for leave between tactics. */
const END_MS = 10_000;
const LAST_WORDS = 4000;
const NOT_RUN = 'nothing';

/**
 * Asks for TensorRT's version and the GPU.
 *
 * @throws QPVO_ENGINE when qpvo was built without TensorRT, its library is missing or it finds no GPU; QPVO_OUT_OF_MEMORY
 */
export async function probeTensorrt(path: string = builderPath()): Promise<TensorrtReport> {
  let report: TensorrtReport | undefined;
  const signal = AbortSignal.timeout(PROBE_MS);
  const onEvent = (event: BuilderEvent): void => {
    if (event.event !== 'machine') return;
    const { tensorrt, cuda, device, computeCapability, dlaCores } = event;
    report = { tensorrt, cuda, device, computeCapability, dlaCores };
  };
  const what = 'TensorRT could not be asked for its version';
  await runBuilder(path, ['probe'], { signal, onEvent }).catch((error: unknown) => {
    if (!signal.aborted) throw error;
    throw refused(
      what,
      'an answer',
      `none in ${PROBE_MS / 1000} s`,
      'See whether nvidia-smi answers; a reboot mends a driver that hangs.',
    );
  });
  if (report !== undefined) return report;
  throw refused(what, 'a report of the builder', NOT_RUN, REBUILD);
}

/**
 * Builds an engine, which may take minutes. When it fails, crashes or is ended, no plan is left.
 *
 * @throws QPVO_ENGINE with the reason; QPVO_OUT_OF_MEMORY with what the GPU has free; the reason of the signal when that ended it
 */
export async function buildEngine(order: BuildOrder, run: BuilderRun, path: string = builderPath()): Promise<void> {
  let isWritten = false;
  const inputs = Object.entries(order.inputs).flatMap(([name, shape]) => ['--input', `${name}=${shape.join('x')}`]);
  await runBuilder(
    path,
    [
      ...['build', '--onnx', order.onnx, '--plan', order.plan, '--timings', order.timings],
      ...['--dla', `${order.dlaCore}`, '--level', `${order.level}`, '--workspace-mb', `${order.workspaceMb}`],
      ...inputs,
    ],
    {
      ...run,
      onEvent: (event) => {
        if (event.event === 'plan') isWritten = true;
        run.onEvent?.(event);
      },
    },
  );
  if (!isWritten) throw refused('the engine was not built', 'a plan', NOT_RUN, REBUILD);
}

export interface BuilderRun {
  /** Ends it. */
  signal?: AbortSignal | undefined;
  onEvent?: ((event: BuilderEvent) => void) | undefined;
}

async function runBuilder(path: string, args: readonly string[], { signal, onEvent }: BuilderRun): Promise<void> {
  signal?.throwIfAborted();
  if (!existsSync(path)) throw notBuilt(path);
  const child = spawn(path, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let lastWords = '';
  let refusal: (BuilderEvent & { event: 'error' }) | undefined;
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    lastWords = (lastWords + text).slice(-LAST_WORDS);
  });
  const lines = new LineReader((line) => {
    const event = parseEvent(line);
    if (event?.event === 'error') refusal = event;
    if (event !== undefined) onEvent?.(event);
  });
  child.stdout.setEncoding('utf8').on('data', (text: string) => lines.take(text));
  let lastResort: NodeJS.Timeout | undefined;
  const end = (): void => {
    child.kill('SIGTERM');
    lastResort = setTimeout(() => child.kill('SIGKILL'), END_MS);
  };
  signal?.addEventListener('abort', end);
  try {
    const [code, ended] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve, reject) => {
      child.on('error', reject);
      child.on('close', (...how) => resolve(how));
    }).catch((cause: unknown) => {
      throw refused('the engine builder cannot be started', path, messageOf(cause), REBUILD, cause);
    });
    if (code === 0 && refusal === undefined) return;
    signal?.throwIfAborted();
    throw failed(refusal, code, ended, lastWords);
  } finally {
    clearTimeout(lastResort);
    signal?.removeEventListener('abort', end);
  }
}

/** Takes text in pieces, gives whole lines. */
class LineReader {
  readonly #onLine: (line: string) => void;
  #rest = '';

  constructor(onLine: (line: string) => void) {
    this.#onLine = onLine;
  }

  take(text: string): void {
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop()!;
    for (const line of lines) this.#onLine(line);
  }
}

/** Whatever else a library prints to stdout is passed over. */
function parseEvent(line: string): BuilderEvent | undefined {
  if (!line.startsWith('{')) return undefined;
  try {
    const value = JSON.parse(line) as BuilderEvent;
    return typeof value.event === 'string' ? value : undefined;
  } catch {
    return undefined;
  }
}

const REBUILD = 'Build qpvo again where TensorRT is installed (npm run build).';

function notBuilt(path: string): QpvoError {
  const install = 'Install its headers and libraries (on Jetson: apt-get install libnvinfer-dev libnvonnxparsers-dev)';
  const advice = `${install} and run npm run build, or take a profile without TensorRT.`;
  return refused('qpvo was built without TensorRT', path, 'no such file', advice);
}

function failed(
  refusal: (BuilderEvent & { event: 'error' }) | undefined,
  code: number | null,
  signal: NodeJS.Signals | null,
  lastWords: string,
): QpvoError {
  if (refusal !== undefined) {
    const isMemory = refusal.code === 'QPVO_OUT_OF_MEMORY';
    return new QpvoError(isMemory ? 'QPVO_OUT_OF_MEMORY' : 'QPVO_ENGINE', { what: refusal.text });
  }
  const words = lastWords.trim().split('\n').at(-1) ?? '';
  const library = /while loading shared libraries: ([\w.+-]+)/.exec(lastWords)?.[1];
  if (library !== undefined)
    return refused(
      'TensorRT cannot be loaded',
      library,
      'no such library',
      'Install TensorRT, or build qpvo again with the version that is installed (npm run build).',
    );
  const how = signal === null ? `exit code ${code}` : `a crash (${signal})`;
  return refused(
    'the engine builder failed',
    'an end with a result',
    words === '' ? how : `${how}: ${words}`,
    'The cache is as it was. When memory ran out (dmesg tells), close other programs or give less with --workspace.',
  );
}

function refused(what: string, expected: string, received: string, advice: string, cause?: unknown): QpvoError {
  return new QpvoError('QPVO_ENGINE', { what, expected, received, advice, cause });
}
