// SPDX-License-Identifier: MIT
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { thisMachine } from '../config/profileObstacle.ts';
import { MANIFEST_FILE, type ModelManifest, readManifest } from '../network/manifest.ts';
import { findModelFolder, listModels } from '../network/modelFolder.ts';
import { modelForms } from '../network/modelForms.ts';
import { neededParts } from '../network/neededParts.ts';

/** The folder of a model that is named or given as a folder; undefined for anything else. */
export function modelFolderOf(nameOrFolder: string): string | undefined {
  const isModel = existsSync(nameOrFolder)
    ? existsSync(join(nameOrFolder, MANIFEST_FILE))
    : listModels().includes(nameOrFolder);
  return isModel ? findModelFolder(nameOrFolder) : undefined;
}

/** What a model holds, and which of it runs on this computer. */
export interface ModelInfo {
  folder: string;
  manifest: ModelManifest;
  forms: {
    network: string;
    precision: string;
    runtime: string;
    /** Of its files. */
    bytes: number;
    /** Whether this version computes it on this computer. */
    runsHere: boolean;
  }[];
}

/** @throws QpvoError QPVO_MODEL when the manifest cannot be read */
export function modelInfo(folder: string): ModelInfo {
  const manifest = readManifest(folder);
  const machine = thisMachine();
  const support = [...machine.support, ...machine.gpu().support];
  const forms = modelForms(manifest).flatMap(({ network, precision, runtimes }) =>
    runtimes.map((runtime) => {
      const form = { encoder: precision, update: precision };
      const parts = neededParts(network, { runtime: { encoder: runtime, update: runtime }, precision: form });
      const bytes = parts.reduce((sum, part) => sum + (manifest.files[part]?.bytes ?? 0), 0);
      const runsHere = support.some(
        (offer) => offer.runtime === runtime && offer.precisions[network].includes(precision),
      );
      return { network, precision, runtime, bytes, runsHere };
    }),
  );
  return { folder, manifest, forms };
}

export function modelInfoText({ folder, manifest, forms }: ModelInfo): string {
  const quantized = Object.keys(manifest.quantization?.inputScales ?? {}).length;
  const rows = [
    ['model', `${manifest.name} (${folder})`],
    ['description', manifest.description],
    ['licence', manifest.licence],
    ['parameters', `${(manifest.parameters / 1e6).toFixed(2)} M`],
    ['int8 layers', quantized === 0 ? 'none' : `${quantized}`],
    ...forms.map(({ network, precision, runtime, bytes, runsHere }) => [
      network === 'encoder' ? 'encoders' : 'update',
      `${precision} with ${runtime}, ${(bytes / 1e6).toFixed(2)} MB, ${runsHere ? 'runs here' : 'not on this computer'}`,
    ]),
  ];
  return rows.map(([name = '', value = '']) => `${name.padEnd(13)} ${value}`).join('\n');
}
