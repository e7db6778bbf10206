// SPDX-License-Identifier: MIT
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import type { Precision } from '../config/Profile.ts';
import { QpvoError } from '../error.ts';
import { checksum, type ModelManifest } from '../network/manifest.ts';
import { modelArgument } from '../network/modelFolder.ts';
import type { NetworkPart } from '../network/neededParts.ts';
import { BuildProgress } from './BuildProgress.ts';
import { buildEngine, probeTensorrt, type TensorrtReport } from './builderProcess.ts';
import { EngineCache } from './EngineCache.ts';
import {
  DEFAULT_ENGINE_OPTIONS,
  type EngineGraphName,
  type EngineKey,
  type EngineMachine,
  type EngineOptions,
  optionDifference,
} from './EngineKey.ts';
import { type EngineGraph, type EngineShape, engineGraphs, NETWORK_OF } from './engineGraphs.ts';
import { builderPath, engineFolder, modulePath } from './places.ts';

/** A line of progress. */
export interface EngineProgress {
  graph: EngineGraphName;
  precision: Precision;
  /** Which engine of how many that are built now, from 1. */
  index: number;
  count: number;
  /** What TensorRT does at the moment, in its words; empty before the first. */
  phase: string;
  /** Share of its steps that are done, 0..1. */
  share: number;
}

export interface EngineRequest {
  modelDir: string;
  manifest: ModelManifest;
  /** Which networks, and in which precision. */
  precision: Partial<Readonly<Record<NetworkPart, Precision>>>;
  shape: EngineShape;
  /** An engine that is there is built again when it was built with another level or workspace than those given here; without `build` it serves all the same. */
  options?: Partial<EngineOptions>;
  /** Builds what is missing or does not fit; without, that is an error. */
  build: boolean;
  /** Builds anew what is there. */
  force?: boolean;
  folder?: string;
  builder?: string;
  signal?: AbortSignal | undefined;
  onProgress?: ((progress: EngineProgress) => void) | undefined;
  /** Takes what people should know: why an engine is built, warnings of TensorRT. */
  onNotice?: ((text: string) => void) | undefined;
}

/** Engines that were verified against their checksums, as TensorRT deserializes them. */
export interface Engines {
  /** Shared library with which the addon runs them. */
  module: string;
  plans: Partial<Record<EngineGraphName, Uint8Array>>;
  /** Those built by this call. */
  built: EngineGraphName[];
}

/**
 * The engines of networks: from the cache, built when they are missing, damaged, or of another graph, shape, TensorRT or GPU.
 *
 * @throws QPVO_ENGINE when there is no TensorRT, it refuses a graph, its process crashes, or an engine is missing and must not be built; QPVO_OUT_OF_MEMORY when a build
 * has too little; QPVO_MODEL when the model lacks a part; QPVO_OUTPUT when the cache cannot be written; the signal's reason when it ended a build
 */
export async function openEngines(request: EngineRequest): Promise<Engines> {
  const { precision, signal } = request;
  const cache = new EngineCache(request.folder ?? engineFolder());
  const options = { ...DEFAULT_ENGINE_OPTIONS, ...request.options };
  const machine = await probeTensorrt(request.builder ?? builderPath());
  checkAccelerator(options, machine, precision);

  const engines: Engines = { module: modulePath(), plans: {}, built: [] };
  const missing: { graph: EngineGraph; key: EngineKey; fault: string }[] = [];
  for (const { graph, key } of await wantedEngines(request, machine, options)) {
    const found = await cache.find(key);
    const fault = 'fault' in found ? found.fault : reasonToRebuild(request, found.key);
    if ('plan' in found && fault === undefined) engines.plans[graph.name] = found.plan;
    else missing.push({ graph, key, fault: fault! });
  }
  if (missing.length > 0 && !request.build) throw notBuilt(missing[0]!, request);
  if (missing.length > 0) await cache.sweep();
  for (const [at, { graph, key, fault }] of missing.entries()) {
    signal?.throwIfAborted();
    request.onNotice?.(`engine ${graph.name}: ${fault}`);
    const place = { index: at + 1, count: missing.length };
    engines.plans[graph.name] = await buildOne(cache, request, graph, key, place);
    engines.built.push(graph.name);
  }
  return engines;
}

async function buildOne(
  cache: EngineCache,
  request: EngineRequest,
  graph: EngineGraph,
  key: EngineKey,
  place: { index: number; count: number },
): Promise<Uint8Array> {
  const precision = request.precision[NETWORK_OF[graph.name]]!;
  const progress = new BuildProgress();
  const tell = () =>
    request.onProgress?.({ graph: graph.name, precision, ...place, phase: progress.phase, share: progress.share });
  const path = cache.pathOf(key);
  const onnx = cache.partPath(`${path}.onnx`);
  const plan = cache.partPath(`${path}.plan`);
  const startMs = performance.now();
  tell();
  try {
    await mkdir(cache.folder, { recursive: true });
    await writeFile(onnx, graph.onnx);
    const { inputs, dlaCore, level, workspaceMb } = key;
    const order = { onnx, plan, inputs, dlaCore, level, workspaceMb, timings: cache.timingsPathOf(key) };
    await buildEngine(
      order,
      {
        signal: request.signal,
        onEvent: (event) => {
          if (event.event === 'warning') request.onNotice?.(`engine ${graph.name}: ${event.text}`);
          progress.take(event);
          tell();
        },
      },
      request.builder ?? builderPath(),
    );
    const bytes = await readFile(plan);
    const buildSeconds = (performance.now() - startMs) / 1000;
    const about = { key, model: request.manifest.name, precision, builtAt: new Date().toISOString(), buildSeconds };
    await cache.store(about, bytes);
    return bytes;
  } finally {
    await Promise.all([onnx, plan].map((part) => rm(part, { force: true }).catch(() => undefined)));
  }
}

/**
 * What engines a request needs on a machine: their graphs, and the keys under which they are kept.
 *
 * @throws QPVO_MODEL when the model lacks a part
 */
export async function wantedEngines(
  { modelDir, manifest, precision, shape }: Pick<EngineRequest, 'modelDir' | 'manifest' | 'precision' | 'shape'>,
  { tensorrt, cuda, device, computeCapability }: EngineMachine,
  options: EngineOptions,
): Promise<{ graph: EngineGraph; key: EngineKey }[]> {
  const machine: EngineMachine = { tensorrt, cuda, device, computeCapability };
  const graphs: EngineGraph[] = [];
  for (const network of ['encoder', 'update'] as const) {
    const wanted = precision[network];
    if (wanted !== undefined) graphs.push(...(await engineGraphs(modelDir, manifest, network, wanted, shape)));
  }
  return graphs.map((graph) => {
    const { name, onnx, inputs } = graph;
    return { graph, key: { graph: name, onnx: checksum(onnx), inputs, ...machine, ...options } };
  });
}

/** Why an engine that could serve is built again. */
function reasonToRebuild({ build, force, options }: EngineRequest, found: EngineKey): string | undefined {
  if (force === true) return 'built anew';
  return build ? optionDifference(options ?? {}, found) : undefined;
}

/** The deep learning accelerator takes no QuantizeLinear of graphs, and fp32 not at all. */
function checkAccelerator(
  { dlaCore }: EngineOptions,
  { dlaCores, device, tensorrt }: TensorrtReport,
  precision: EngineRequest['precision'],
): void {
  if (dlaCore < 0) return;
  if (dlaCore >= dlaCores)
    throw new QpvoError('QPVO_ENGINE', {
      what: `deep learning accelerator ${dlaCore}`,
      expected: dlaCores === 0 ? 'a machine that has one' : `a core below ${dlaCores}`,
      received: `${device} with ${dlaCores} cores for TensorRT ${tensorrt}`,
      advice: 'Take the GPU: --dla and dlaCore left out, or dlaCore=-1 where the profile has one.',
    });
  const other = (['encoder', 'update'] as const).find((network) => (precision[network] ?? 'fp16') !== 'fp16');
  if (other !== undefined)
    throw new QpvoError('QPVO_ENGINE', {
      what: 'the deep learning accelerator',
      expected: 'networks in fp16',
      received: `${other} in ${precision[other]}`,
      advice: 'Take a profile in fp16, build with --precision fp16, or for the GPU.',
    });
}

function notBuilt(
  { graph, key: { dlaCore }, fault }: { graph: EngineGraph; key: EngineKey; fault: string },
  { modelDir, precision, shape }: EngineRequest,
): QpvoError {
  const network = NETWORK_OF[graph.name];
  const { width, height, patches, sources, targets } = shape;
  const windows = { patchesPerFrame: patches, removalWindow: sources - 1, patchLifetime: (targets + 1) / 2 };
  const fixing = Object.entries(windows).filter(([name]) => network === 'update' || name === 'patchesPerFrame');
  const command = [
    `qpvo engine build --size ${width}x${height} --set networkScale=1`,
    ...fixing.map(([name, value]) => `--set ${name}=${value}`),
    `--model ${shellWord(modelArgument(modelDir))} --networks ${network} --precision ${precision[network]}`,
    ...(dlaCore < 0 ? [] : [`--dla ${dlaCore}`]),
  ].join(' ');
  return new QpvoError('QPVO_ENGINE', {
    what: `the TensorRT engine of the graph ${graph.name} cannot be used: ${fault}`,
    advice: `Build it once, which takes minutes: ${command}`,
  });
}

/** In quotation marks where a shell would take it for several words. */
function shellWord(text: string): string {
  return /^[\w./+:=@%-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
