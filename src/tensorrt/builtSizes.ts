// SPDX-License-Identifier: MIT
import { EngineCache } from './EngineCache.ts';
import { DEFAULT_ENGINE_OPTIONS, type EngineMachine, keyDifference } from './EngineKey.ts';
import { type EngineRequest, wantedEngines } from './openEngines.ts';
import { engineFolder } from './places.ts';

/** What a run needs of TensorRT, whatever its image. */
export type SizelessRequest = Pick<EngineRequest, 'modelDir' | 'manifest' | 'precision' | 'folder'> & {
  shape: Omit<EngineRequest['shape'], 'width' | 'height'>;
  /** Core of the deep learning accelerator; -1 is the GPU. */
  dlaCore: number;
};

/** Sizes of network images, such as "752x480"; `all` where the engines are the same for every image. */
export type BuiltSizes = readonly string[] | 'all';

/**
 * The sizes of network images for which a machine has all engines of a run. Those of the encoders are for one size each, that of the update operator is for all.
 * Of the files only the headers are read: one that is damaged in its plan shows when it is opened.
 *
 * @throws QPVO_OUTPUT when the cache cannot be read; QPVO_MODEL when the model lacks a part
 */
export async function builtSizes(request: SizelessRequest, machine: EngineMachine): Promise<BuiltSizes> {
  const { shape, dlaCore, precision, folder = engineFolder() } = request;
  const entries = await new EngineCache(folder).list();
  const keys = entries.flatMap(({ header, fault }) => (header === undefined || fault !== undefined ? [] : header.key));
  const areThere = async (width: number, height: number): Promise<boolean> => {
    const options = { ...DEFAULT_ENGINE_OPTIONS, dlaCore };
    const wanted = await wantedEngines({ ...request, shape: { ...shape, width, height } }, machine, options);
    return wanted.every(({ key }) => keys.some((found) => keyDifference(key, found) === undefined));
  };
  if (precision.encoder === undefined) return (await areThere(0, 0)) ? 'all' : [];
  const images = keys.flatMap(({ inputs }) => (inputs.image === undefined ? [] : [inputs.image.slice(2).join('x')]));
  const built: string[] = [];
  for (const image of new Set(images)) {
    const [height, width] = image.split('x').map(Number) as [number, number];
    if (await areThere(width, height)) built.push(`${width}x${height}`);
  }
  return built;
}
