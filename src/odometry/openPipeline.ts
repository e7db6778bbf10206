// SPDX-License-Identifier: MIT
import { tensorrtParts } from '../config/Profile.ts';
import type { OdometryParameters } from '../config/parameters.ts';
import { QpvoError } from '../error.ts';
import type { CudaEngines, CudaPipeline, CudaWeights } from '../native/addon.ts';
import { gpuFailure } from '../native/gpuFailure.ts';
import { BUILD_WITH_CUDA } from '../native/gpuProbe.ts';
import { loadAddon } from '../native/loadAddon.ts';
import { loadModelFile, type ModelManifest } from '../network/manifest.ts';
import { encoderTensors, updateTensors } from '../network/native/partTensors.ts';
import type { NetworkForms, NetworkPart } from '../network/neededParts.ts';
import { statedInt8Weights } from '../network/quantization/statedScales.ts';
import type { RuntimeTensors } from '../network/weights/RuntimeTensors.ts';
import { readSafetensors } from '../network/weights/safetensors.ts';
import { engineShape } from '../tensorrt/engineShape.ts';
import { openEngines } from '../tensorrt/openEngines.ts';
import type { RunSetup } from './runSetup.ts';

/** The GPU of a run: CUDA_VISIBLE_DEVICES chooses among several. */
const FIRST_DEVICE = 0;

/**
 * State and networks of a run on the GPU.
 * @throws QPVO_PROFILE_UNAVAILABLE for forms that are not of a GPU, or without CUDA in the addon; QPVO_ENGINE when engines of TensorRT were not built before;
 * QPVO_NO_DEVICE, QPVO_OUT_OF_MEMORY, QPVO_MODEL
 */
export async function openPipeline(
  modelDir: string,
  manifest: ModelManifest,
  forms: NetworkForms,
  { options, undistortMap }: RunSetup,
  parameters: OdometryParameters,
): Promise<CudaPipeline> {
  requireGpuForm(forms, 'encoder');
  requireGpuForm(forms, 'update');
  const { CudaPipeline: Pipeline } = loadAddon();
  if (Pipeline === undefined) {
    throw new QpvoError('QPVO_PROFILE_UNAVAILABLE', {
      what: 'the addon was built without CUDA',
      advice: `${BUILD_WITH_CUDA}; \`qpvo doctor\` tells more.`,
    });
  }
  const weights = await ownWeights(modelDir, manifest, forms);
  const engines = await builtEngines(modelDir, manifest, forms, parameters, options);
  const { precision } = forms;
  const complete = { ...options, device: FIRST_DEVICE, precision };
  return Pipeline.create(complete, undistortMap, weights, engines).catch((error: unknown) => {
    throw gpuFailure(error);
  });
}

/** What our own kernels compute from. */
async function ownWeights(modelDir: string, manifest: ModelManifest, forms: NetworkForms): Promise<CudaWeights> {
  const weights: CudaWeights = {};
  const tensors = async (network: NetworkPart): Promise<RuntimeTensors> =>
    forms.precision[network] === 'int8'
      ? statedInt8Weights(await loadModelFile(modelDir, manifest, 'weightsInt8'), manifest)
      : readSafetensors(Buffer.from(await loadModelFile(modelDir, manifest, 'weights')), 'weights.safetensors');
  if (forms.runtime.encoder === 'cuda')
    weights.encoder = encoderTensors(await tensors('encoder'), manifest.sizes, forms.precision.encoder);
  if (forms.runtime.update === 'cuda')
    weights.update = updateTensors(await tensors('update'), manifest.sizes, forms.precision.update);
  return weights;
}

/** What TensorRT computes from; undefined when it computes nothing. Building takes minutes, so it is a command of its own. */
async function builtEngines(
  modelDir: string,
  manifest: ModelManifest,
  { runtime, precision }: NetworkForms,
  parameters: OdometryParameters,
  image: { width: number; height: number },
): Promise<CudaEngines | undefined> {
  const networks = tensorrtParts({ runtime });
  if (networks.length === 0) return undefined;
  const { dlaCore } = parameters;
  const { module, plans } = await openEngines({
    modelDir,
    manifest,
    precision: Object.fromEntries(networks.map((network) => [network, precision[network]])),
    shape: engineShape(image, parameters),
    options: { dlaCore },
    build: false,
  });
  return { module, dlaCore, ...plans };
}

/** No other runtime is taken in its place. */
function requireGpuForm({ runtime, precision }: NetworkForms, network: NetworkPart): void {
  if (runtime[network] === 'cuda' || runtime[network] === 'tensorrt') return;
  throw new QpvoError('QPVO_PROFILE_UNAVAILABLE', {
    what: 'no such form of a network on a GPU',
    expected: 'cuda or tensorrt, in fp32, fp16 or int8',
    received: `${runtime[network]} in ${precision[network]}`,
  });
}
