// SPDX-License-Identifier: MIT
import { readManifest, readModelFile } from '../src/network/manifest.ts';
import type { NetworkShape } from '../src/network/Network.ts';
import { openNativeEncoder } from '../src/network/native/NativeEncoder.ts';
import { openOnnxRuntimes } from '../src/network/OnnxLanes.ts';
import type { EncoderRuntime } from '../src/network/parts.ts';
import { readInt8Weights } from '../src/network/quantization/int8Weights.ts';
import { ENCODER_LAYERS } from '../src/network/quantization/quantizedLayers.ts';
import { readSafetensors } from '../src/network/weights/safetensors.ts';
import type { TimedOp } from './opTimings.ts';
import { contextEncoderCost, featureEncoderCost, sumOf } from './stageCosts.ts';
import type { SyntheticProblem } from './syntheticProblem.ts';
import { withAnyScales } from './withAnyScales.ts';

/** Both encoders in each of their forms, on all cores. */
export async function encoderForms(
  modelDir: string,
  threads: number,
  { work }: SyntheticProblem,
  shape: NetworkShape,
): Promise<{ ops: TimedOp[]; close(): Promise<void> }> {
  const manifest = readManifest(modelDir);
  const read = (part: 'features' | 'context' | 'weights' | 'weightsInt8') => readModelFile(modelDir, manifest, part);
  const { sizes } = manifest;
  const weights = readSafetensors(Buffer.from(read('weights')), 'weights');
  const int8 =
    'weightsInt8' in manifest.files ? readInt8Weights(read('weightsInt8')) : withAnyScales(weights, ENCODER_LAYERS);
  const graphs = { encoder: { features: read('features'), context: read('context') } };
  const onnx = await openOnnxRuntimes(graphs, sizes, threads);
  const forms: [string, EncoderRuntime][] = [
    ['onnxruntime fp32', onnx.encoder!],
    ['native fp32', await openNativeEncoder(weights, sizes, { threads, precision: 'fp32' })],
    ['native int8', await openNativeEncoder(int8, sizes, { threads, precision: 'int8' })],
  ];
  for (const [, runtime] of forms) await runtime.bind(shape);
  return {
    ops: forms.map(([form, runtime]) => ({
      name: `encoders, ${form}`,
      run: () => runtime.encode(),
      cost: sumOf(featureEncoderCost(work), contextEncoderCost(work)),
    })),
    close: async () => void (await Promise.all(forms.map(([, runtime]) => runtime.close()))),
  };
}
