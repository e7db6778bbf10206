// SPDX-License-Identifier: MIT
import { probeTensorrt } from '../../tensorrt/builderProcess.ts';
import { EngineCache, type EngineEntry } from '../../tensorrt/EngineCache.ts';
import { engineFolder } from '../../tensorrt/places.ts';
import { parseOptions } from '../parseOptions.ts';
import { stateOf } from './list.ts';

export async function run(args: string[]): Promise<number> {
  const { values } = parseOptions('engine clear', args, [], {
    unfit: { type: 'boolean', default: false },
    model: { type: 'string' },
  });
  const { unfit, model } = values;
  const machine = unfit ? await probeTensorrt() : undefined;
  const isChosen = (entry: EngineEntry) =>
    (model === undefined || entry.header?.model === model) && (!unfit || stateOf(entry, machine) !== 'usable');
  const cache = new EngineCache(engineFolder());
  const { files, bytes } = await cache.clear(unfit || model !== undefined ? isChosen : undefined);
  console.log(`removed ${files} files, ${(bytes / 1e6).toFixed(1)} MB, from ${cache.folder}`);
  return 0;
}
