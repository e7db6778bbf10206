// SPDX-License-Identifier: MIT
import { readManifest, readModelFile } from '../src/network/manifest.ts';
import type { NetworkShape } from '../src/network/Network.ts';
import { openNativeUpdate } from '../src/network/native/NativeUpdate.ts';
import { openOnnxRuntimes } from '../src/network/OnnxLanes.ts';
import type { UpdateRuntime } from '../src/network/parts.ts';
import { readInt8Weights } from '../src/network/quantization/int8Weights.ts';
import { UPDATE_LAYERS } from '../src/network/quantization/quantizedLayers.ts';
import { readSafetensors } from '../src/network/weights/safetensors.ts';
import type { TimedOp } from './opTimings.ts';
import { updateCost } from './stageCosts.ts';
import type { SyntheticProblem } from './syntheticProblem.ts';
import { withAnyScales } from './withAnyScales.ts';

/** The update operator in each of its forms, on all cores. */
export async function updateForms(
  modelDir: string,
  threads: number,
  { graph, hidden, work }: SyntheticProblem,
  shape: NetworkShape,
): Promise<{ ops: TimedOp[]; close(): Promise<void> }> {
  const manifest = readManifest(modelDir);
  const read = (part: 'update' | 'weights' | 'weightsInt8') => readModelFile(modelDir, manifest, part);
  const { sizes } = manifest;
  const weights = readSafetensors(Buffer.from(read('weights')), 'weights');
  const int8 =
    'weightsInt8' in manifest.files ? readInt8Weights(read('weightsInt8')) : withAnyScales(weights, UPDATE_LAYERS);
  const onnx = await openOnnxRuntimes({ update: read('update') }, sizes, threads);
  const forms: [string, UpdateRuntime][] = [
    ['onnxruntime fp32', onnx.update!],
    ['native fp32', await openNativeUpdate(weights, sizes, { threads, precision: 'fp32' })],
    ['native int8', await openNativeUpdate(int8, sizes, { threads, precision: 'int8' })],
  ];
  const tables = { source: graph.source, sourceIndex: graph.sourceIndex, previous: graph.previous, next: graph.next };
  for (const [, runtime] of forms) await runtime.bind(shape);
  return {
    ops: forms.map(([form, runtime]) => ({
      name: `update ${work.pairs} x ${work.patches}, ${form}`,
      run: () => runtime.update({ ...hidden.batch(work.pairs), ...tables }),
      cost: updateCost(work),
    })),
    close: async () => void (await Promise.all(forms.map(([, runtime]) => runtime.close()))),
  };
}
