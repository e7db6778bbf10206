// SPDX-License-Identifier: MIT
import { messageOf } from '../../error.ts';
import { probeTensorrt, type TensorrtReport } from '../../tensorrt/builderProcess.ts';
import { EngineCache, type EngineEntry } from '../../tensorrt/EngineCache.ts';
import { type EngineMachine, inputsText } from '../../tensorrt/EngineKey.ts';
import { engineFolder } from '../../tensorrt/places.ts';
import { parseOptions } from '../parseOptions.ts';

export async function run(args: string[]): Promise<number> {
  const { values } = parseOptions('engine list', args, [], { json: { type: 'boolean', default: false } });
  const folder = engineFolder();
  const entries = await new EngineCache(folder).list();
  let machine: TensorrtReport | undefined;
  let obstacle = '';
  try {
    machine = await probeTensorrt();
  } catch (error) {
    obstacle = messageOf(error);
  }
  const states = entries.map((entry) => ({ ...entry, state: stateOf(entry, machine) }));
  if (values.json) {
    console.log(JSON.stringify({ folder, machine: machine ?? null, obstacle, engines: states }, null, 2));
    return 0;
  }
  console.log(states.length === 0 ? `no engines in ${folder}` : states.map(line).join('\n'));
  if (obstacle !== '') console.error(`Whether they can be used here is not known: ${obstacle}`);
  return 0;
}

/** "usable", or why not; "unknown" where there is no TensorRT to compare with. */
export function stateOf({ header, fault }: EngineEntry, machine: EngineMachine | undefined): string {
  if (fault !== undefined) return fault;
  if (header === undefined || machine === undefined) return 'unknown';
  const { key } = header;
  if (key.tensorrt !== machine.tensorrt) return `for TensorRT ${key.tensorrt}, not ${machine.tensorrt}`;
  if (key.device !== machine.device || key.computeCapability !== machine.computeCapability)
    return `for ${key.device} (${key.computeCapability})`;
  return key.cuda === machine.cuda ? 'usable' : `for CUDA ${key.cuda}, not ${machine.cuda}`;
}

function line({ path, bytes, header, state }: EngineEntry & { state: string }): string {
  const size = `${(bytes / 1e6).toFixed(1)} MB`;
  if (header === undefined) return `${path}  ${size}  ${state}`;
  const { key, model, precision, builtAt, buildSeconds } = header;
  const place = key.dlaCore < 0 ? '' : `, DLA ${key.dlaCore}`;
  return [
    `${model} ${key.graph} ${precision}${place}`.padEnd(30),
    inputsText(key.inputs),
    size,
    `TensorRT ${key.tensorrt}, ${key.device}`,
    `built ${builtAt.slice(0, 10)} in ${Math.round(buildSeconds)} s`,
    state,
  ].join('  ');
}
