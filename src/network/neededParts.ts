// SPDX-License-Identifier: MIT
import type { Precision, Runtime } from '../config/Profile.ts';
import { QpvoError } from '../error.ts';
import type { ModelManifest, Part } from './manifest.ts';

/** The two networks of a model: the encoders, and the update operator. */
export type NetworkPart = 'encoder' | 'update';

/** The runtime and the precision of each network. */
export interface NetworkForms {
  runtime: Readonly<Record<NetworkPart, Runtime>>;
  precision: Readonly<Record<NetworkPart, Precision>>;
}

const GRAPHS = {
  encoder: { float: ['features', 'context'], int8: ['featuresInt8', 'contextInt8'] },
  update: { float: ['update'], int8: ['updateInt8'] },
} as const;
/** Engines are built from graphs of the model, or from graphs made of its weights: src/tensorrt/engineGraphs.ts. */
const ENGINE_PARTS = {
  encoder: { fp32: GRAPHS.encoder.float, fp16: ['weights'], int8: ['featuresTensorrt', 'contextTensorrt'] },
  update: { fp32: ['update', 'weights'], fp16: ['update', 'weights'], int8: ['update', 'weights', 'weightsInt8'] },
} as const;

/** The parts of a model that a runtime computes a network from. */
export function neededParts(network: NetworkPart, { runtime, precision }: NetworkForms): readonly Part[] {
  const isInt8 = precision[network] === 'int8';
  switch (runtime[network]) {
    case 'onnxruntime':
      return GRAPHS[network][isInt8 ? 'int8' : 'float'];
    case 'tensorrt':
      return ENGINE_PARTS[network][precision[network]];
    case 'native':
    case 'cuda':
      return [isInt8 ? 'weightsInt8' : 'weights'];
  }
}

/** What a model lacks for a network in this form, in one clause; undefined when nothing. */
export function missingForForm(
  manifest: Pick<ModelManifest, 'name' | 'files' | 'quantization'>,
  network: NetworkPart,
  forms: NetworkForms,
): string | undefined {
  const { name, files, quantization } = manifest;
  const missing = neededParts(network, forms).filter((part) => files[part] === undefined);
  const title = network === 'encoder' ? 'encoders' : 'update operator';
  const precision = forms.precision[network];
  if (missing.length > 0) {
    const which = missing.map((part) => `"${part}"`).join(' and ');
    return `the model ${name} has no part ${which} for the ${title} in ${precision}`;
  }
  if (precision !== 'int8') return undefined;
  if (quantization === undefined) return `the model ${name} does not say the scales of its int8 layers`;
  const prefix = network === 'encoder' ? 'patchify.' : 'update.';
  const hasLayers = Object.keys(quantization.inputScales).some((layer) => layer.startsWith(prefix));
  return hasLayers ? undefined : `the model ${name} has no scales for a layer of the ${title}`;
}

/** @throws QPVO_MODEL when the model lacks something for these forms */
export function requireForms(manifest: ModelManifest, forms: NetworkForms): void {
  for (const network of ['encoder', 'update'] as const) {
    const missing = missingForForm(manifest, network, forms);
    if (missing === undefined) continue;
    throw new QpvoError('QPVO_MODEL', {
      what: missing,
      received: `a model with ${Object.keys(manifest.files).join(', ')}`,
      advice: adviceFor(network, forms),
    });
  }
}

function adviceFor(network: NetworkPart, { precision }: NetworkForms): string {
  if (precision[network] === 'int8') {
    return 'Import it again with its scales (qpvo import --scales), or take a profile in fp32.';
  }
  return network === 'update'
    ? 'It holds encoders only: import weights that have the update operator.'
    : 'Import the model again.';
}
