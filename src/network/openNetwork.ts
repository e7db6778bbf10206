// SPDX-License-Identifier: MIT
import { QpvoError } from '../error.ts';
import { ComposedNetwork } from './ComposedNetwork.ts';
import { loadModelFile, type ModelManifest, type Part, readManifest } from './manifest.ts';
import type { Network } from './Network.ts';
import { openNativeEncoder } from './native/NativeEncoder.ts';
import { openNativeUpdate } from './native/NativeUpdate.ts';
import { type NetworkForms, type NetworkPart, requireForms } from './neededParts.ts';
import { type OnnxGraphs, openOnnxRuntimes } from './OnnxLanes.ts';
import type { EncoderRuntime, UpdateRuntime } from './parts.ts';
import { statedInt8Weights } from './quantization/statedScales.ts';
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
 * @throws QPVO_MODEL when the folder is no complete, undamaged model, or lacks parts or scales for the forms; QPVO_PROFILE_UNAVAILABLE for a runtime or
 * a precision that is not of the CPU; QPVO_ADDON when the addon is not built
 */
export async function openNetwork(modelDir: string, options: NetworkOptions): Promise<Network> {
  const { threads } = options;
  const forms: NetworkForms = {
    runtime: options.runtime ?? PORTABLE_FORMS.runtime,
    precision: options.precision ?? PORTABLE_FORMS.precision,
  };
  const precision = { encoder: cpuPrecision(forms, 'encoder'), update: cpuPrecision(forms, 'update') };
  const manifest = readManifest(modelDir);
  requireForms(manifest, forms);
  const load = (part: Part) => loadModelFile(modelDir, manifest, part);
  const int8 = Object.values(precision).includes('int8') ? await int8Tensors(manifest, load) : undefined;
  const tensors = async (form: CpuPrecision): Promise<RuntimeTensors> =>
    form === 'int8' ? int8! : readSafetensors(Buffer.from(await load('weights')), 'weights.safetensors');
  const shared = await openOnnxRuntimes(await onnxGraphs(forms, load), manifest.sizes, threads);
  const opened: (EncoderRuntime | UpdateRuntime | undefined)[] = [shared.encoder, shared.update];
  try {
    const encoder =
      shared.encoder ??
      (await openNativeEncoder(await tensors(precision.encoder), manifest.sizes, {
        threads,
        precision: precision.encoder,
      }));
    opened.push(encoder);
    const update =
      shared.update ??
      (await openNativeUpdate(await tensors(precision.update), manifest.sizes, {
        threads,
        precision: precision.update,
      }));
    return new ComposedNetwork(manifest, encoder, update);
  } catch (error) {
    // The first error is the one to tell, whatever closing says.
    await Promise.allSettled([...new Set(opened)].map((runtime) => runtime?.close()));
    throw error;
  }
}

type CpuPrecision = 'fp32' | 'int8';
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

/** The precision of a network that the CPU can compute in this form; no other is taken in its place. */
function cpuPrecision(forms: NetworkForms, network: NetworkPart): CpuPrecision {
  const [runtime, precision] = [forms.runtime[network], forms.precision[network]];
  if ((runtime === 'onnxruntime' || runtime === 'native') && precision !== 'fp16') return precision;
  throw new QpvoError('QPVO_PROFILE_UNAVAILABLE', {
    what: 'no such form of a network on the CPU',
    expected: 'onnxruntime or native, in fp32 or int8',
    received: `${runtime} in ${precision}`,
  });
}

/** Read and checked whenever there is a network in int8; graphs of onnxruntime can do without them. */
async function int8Tensors(manifest: ModelManifest, load: Load): Promise<RuntimeTensors | undefined> {
  return manifest.files.weightsInt8 && statedInt8Weights(await load('weightsInt8'), manifest);
}
