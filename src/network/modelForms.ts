// SPDX-License-Identifier: MIT
import type { Precision, Runtime } from '../config/Profile.ts';
import type { ModelManifest } from './manifest.ts';
import { missingForForm, type NetworkPart } from './neededParts.ts';

/** A form in which a model has a network. */
export interface ModelForm {
  network: NetworkPart;
  precision: Precision;
  runtimes: Runtime[];
}

type Parts = Pick<ModelManifest, 'name' | 'files' | 'quantization'>;

/** Runtimes of which files are made; what this version can run is another question: profileObstacle. */
const RUNTIMES: readonly Runtime[] = ['onnxruntime', 'native', 'cuda', 'tensorrt'];

/** Every precision that a model has files for, with the runtimes they are for. */
export function modelForms(manifest: Parts): ModelForm[] {
  return (['encoder', 'update'] as const).flatMap((network) =>
    (['fp32', 'int8'] as const).flatMap((precision) => {
      const runtimes = RUNTIMES.filter((runtime) => {
        const forms = {
          runtime: { encoder: runtime, update: runtime },
          precision: { encoder: precision, update: precision },
        };
        return missingForForm(manifest, network, forms) === undefined;
      });
      return runtimes.length === 0 ? [] : [{ network, precision, runtimes }];
    }),
  );
}

/** "encoders in fp32 and int8, update operator in fp32" */
export function modelFormsText(manifest: Parts): string {
  const forms = modelForms(manifest);
  const precisions = (network: NetworkPart) =>
    forms.filter((form) => form.network === network).map(({ precision }) => precision);
  return (['encoder', 'update'] as const)
    .map((network) => {
      const has = precisions(network);
      const name = network === 'encoder' ? 'encoders' : 'update operator';
      return has.length === 0 ? `no ${name}` : `${name} in ${has.join(' and ')}`;
    })
    .join(', ');
}
