// SPDX-License-Identifier: MIT
import { loadModelFile, type ModelManifest } from '../network/manifest.ts';
import type { TensorShapes } from '../network/networkMacs.ts';
import { encoderTensors, updateTensors } from '../network/weights/expectedTensors.ts';
import { readSafetensors } from '../network/weights/safetensors.ts';

/** Shapes of the tensors of a model: those of its weights file, or of an unpruned network where it has none. @throws QpvoError QPVO_MODEL */
export async function networkShapes(folder: string, manifest: ModelManifest): Promise<TensorShapes> {
  const file = manifest.files.weights;
  if (file === undefined) return new Map([...encoderTensors(manifest.sizes), ...updateTensors(manifest.sizes)]);
  const bytes = await loadModelFile(folder, manifest, 'weights');
  const weights = readSafetensors(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength), file.name);
  return new Map([...weights].map(([name, { shape }]) => [name, shape]));
}
