// SPDX-License-Identifier: MIT
import { nearestName } from '../../config/nearestName.ts';
import { QpvoError } from '../../error.ts';
import { listModels } from '../../network/modelFolder.ts';
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
  const cache = new EngineCache(engineFolder());
  if (model !== undefined) requireKnown(model, await cache.list());
  const machine = unfit ? await probeTensorrt() : undefined;
  const isChosen = (entry: EngineEntry) =>
    (model === undefined || entry.header?.model === model) && (!unfit || stateOf(entry, machine) !== 'usable');
  const { files, bytes } = await cache.clear(unfit || model !== undefined ? isChosen : undefined);
  console.log(`removed ${files} files, ${(bytes / 1e6).toFixed(1)} MB, from ${cache.folder}`);
  return 0;
}

/** A model of the package need not have engines. @throws QPVO_USAGE for a name that neither has engines nor is of the package */
function requireKnown(model: string, entries: readonly EngineEntry[]): void {
  const built = [...new Set(entries.flatMap(({ header }) => header?.model ?? []))].sort();
  const known = [...new Set([...built, ...listModels()])];
  if (known.includes(model)) return;
  const nearest = nearestName(model, known);
  throw new QpvoError('QPVO_USAGE', {
    what: 'option --model',
    expected:
      built.length === 0 ? 'a model of the package; no model has engines' : `a model with engines: ${built.join(', ')}`,
    received: `"${model}"`,
    ...(nearest === undefined ? {} : { advice: `Did you mean ${nearest}?` }),
  });
}
