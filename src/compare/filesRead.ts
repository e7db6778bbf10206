// SPDX-License-Identifier: MIT
import type { ModelFile, ModelManifest } from '../network/manifest.ts';
import { type NetworkForms, neededParts } from '../network/neededParts.ts';

/** The files of a model that are read for these runtimes and precisions, each once. Parts that the model lacks are left out: see requireForms. */
export function filesRead(forms: NetworkForms, { files }: Pick<ModelManifest, 'files'>): ModelFile[] {
  const parts = new Set([...neededParts('encoder', forms), ...neededParts('update', forms)]);
  return [...parts].flatMap((part) => files[part] ?? []);
}
