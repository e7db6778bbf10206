// SPDX-License-Identifier: MIT
import type { Precision, Runtime } from '../config/Profile.ts';
import { QpvoError } from '../error.ts';
import { ComposedNetwork } from './ComposedNetwork.ts';
import { loadModelFile, type Part, readManifest } from './manifest.ts';
import type { Network } from './Network.ts';
import { openNativeEncoder } from './native/NativeEncoder.ts';
import { openNativeUpdate } from './native/NativeUpdate.ts';
import { type NetworkForms, requireForms } from './neededParts.ts';
import { type OnnxGraphs, openOnnxRuntimes } from './OnnxLanes.ts';
import type { EncoderRuntime, UpdateRuntime } from './parts.ts';
import { readInt8Weights } from './quantization/int8Weights.ts';
import type { NetworkSizes } from './weights/networkSizes.ts';
import type { RuntimeTensors } from './weights/RuntimeTensors.ts';
import { readSafetensors } from './weights/safetensors.ts';

/** onnxruntime in fp32: what every model and every machine can. */
export const PORTABLE_FORMS: NetworkForms = {
  runtime: { encoder: 'onnxruntime', update: 'onnxruntime' },
  precision: { encoder: 'fp32', update: 'fp32' },
};

export interface NetworkOptions extends Partial<NetworkForms> {
  /** Cores to use, from 1. */
  threads: number;
}

/**
 * Opens a model on the CPU, each of its networks in its own runtime and precision (default: PORTABLE_FORMS).
 *
 * @throws QPVO_MODEL when the folder is no complete, undamaged model, or lacks parts or scales for the forms; QPVO_PROFILE_UNAVAILABLE for a runtime that
 * is not of the CPU; QPVO_ADDON when the addon is not built
 */
export async function openNetwork(modelDir: string, options: NetworkOptions): Promise<Network> {
  const { threads } = options;
  const forms: NetworkForms = { ...PORTABLE_FORMS, ...options };
  const manifest = readManifest(modelDir);
  requireForms(manifest, forms);
  const load = (part: Part) => loadModelFile(modelDir, manifest, part);
  const shared = await openOnnxRuntimes(await onnxGraphs(forms, load), manifest.sizes, threads);
  const opened: (EncoderRuntime | UpdateRuntime | undefined)[] = [shared.encoder, shared.update];
  try {
    const encoder = shared.encoder ?? (await openOwnEncoder(manifest.sizes, forms, load, threads));
    opened.push(encoder);
    const update = shared.update ?? (await openOwnUpdate(manifest.sizes, forms, load, threads));
    return new ComposedNetwork(manifest, encoder, update);
  } catch (error) {
    await Promise.all([...new Set(opened)].map((runtime) => runtime?.close()));
    throw error;
  }
}

type Load = (part: Part) => Promise<Uint8Array>;

async function onnxGraphs({ runtime, precision }: NetworkForms, load: Load): Promise<OnnxGraphs> {
  const isInt8 = (network: 'encoder' | 'update') => precision[network] === 'int8';
  return {
    update: runtime.update === 'onnxruntime' ? await load(isInt8('update') ? 'updateInt8' : 'update') : undefined,
    encoder:
      runtime.encoder === 'onnxruntime'
        ? {
            features: await load(isInt8('encoder') ? 'featuresInt8' : 'features'),
            context: await load(isInt8('encoder') ? 'contextInt8' : 'context'),
          }
        : undefined,
  };
}

/** The native form of the encoders. */
async function openOwnEncoder(
  sizes: NetworkSizes,
  { runtime, precision }: NetworkForms,
  load: Load,
  threads: number,
): Promise<EncoderRuntime> {
  const own = ownPrecision(runtime.encoder, precision.encoder);
  return openNativeEncoder(await tensorsOf(own, load), sizes, { threads, precision: own });
}

/** The native form of the update operator. */
async function openOwnUpdate(
  sizes: NetworkSizes,
  { runtime, precision }: NetworkForms,
  load: Load,
  threads: number,
): Promise<UpdateRuntime> {
  const own = ownPrecision(runtime.update, precision.update);
  return openNativeUpdate(await tensorsOf(own, load), sizes, { threads, precision: own });
}

function ownPrecision(runtime: Runtime, precision: Precision): 'fp32' | 'int8' {
  if (runtime === 'native' && precision !== 'fp16') return precision;
  throw new QpvoError('QPVO_PROFILE_UNAVAILABLE', {
    what: 'no such form of a network on the CPU',
    expected: 'onnxruntime or native, in fp32 or int8',
    received: `${runtime} in ${precision}`,
  });
}

async function tensorsOf(precision: 'fp32' | 'int8', load: Load): Promise<RuntimeTensors> {
  if (precision === 'int8') return readInt8Weights(await load('weightsInt8'));
  return readSafetensors(Buffer.from(await load('weights')), 'weights.safetensors');
}
