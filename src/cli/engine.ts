// SPDX-License-Identifier: MIT
import { nearestName } from '../config/nearestName.ts';
import { QpvoError } from '../error.ts';
import type { Command } from './Command.ts';

const HELP = `Usage: qpvo engine build --size <WxH> [options]
       qpvo engine list [--json]
       qpvo engine clear [--unfit] [--model <name>]

Engines of TensorRT: networks compiled for one GPU, one version of TensorRT and one image size. That takes minutes, so it is done before a
run with a profile that needs them; the run says which are missing. An engine that is damaged, or of another graph, TensorRT or GPU, is
never used, and built again by the same command.

build:
  --size <WxH>         image of the camera, pixels; the parameter networkScale and the crop to multiples of 16 apply as in a run
  --profile <name>     networks, precision and parameters of this profile; without, those below
  --model <name>       model, or its folder (default: that of the profile, else small)
  --networks <a,b>     encoder, update, or both (default: those that the profile computes with TensorRT, else encoder)
  --precision <p>      fp32, fp16 or int8 (default: that of the profile, else fp16)
  --set <name=value>   change a parameter; may be repeated. Patches and windows fix the shapes
  --dla <core>         deep learning accelerator, on machines that have one; fp16, with the GPU for what it cannot do. Runs take such
                       an engine with the parameter dlaCore (default: that parameter of the profile or of --set)
  --level <0..5>       how long TensorRT searches (default: 3); engines that are there with another one are built again
  --workspace <MB>     most scratch memory of a layer (default: 1024); engines that are there with another one are built again
  --force              build anew what is there
list:
  --json               print JSON
clear:
  --unfit              only engines that cannot be used here, or are damaged
  --model <name>       only engines of this model

Engines are kept in $QPVO_ENGINES, else in $XDG_CACHE_HOME/qpvo/engines, else in ~/.cache/qpvo/engines. A build is a process of its own:
Ctrl-C, a crash or a full disk leaves the cache as it was.

Examples:
  qpvo engine build --size 752x480 --precision int8
  qpvo engine build --size 1280x720 --set networkScale=0.5 --networks encoder,update
  qpvo engine list
  qpvo engine clear --unfit`;

const ACTIONS: Readonly<Record<string, () => Promise<{ run(args: string[]): Promise<number> }>>> = {
  build: () => import('./engine/build.ts'),
  list: () => import('./engine/list.ts'),
  clear: () => import('./engine/clear.ts'),
};

async function run([name, ...args]: string[]): Promise<number> {
  const action = name !== undefined && Object.hasOwn(ACTIONS, name) ? ACTIONS[name] : undefined;
  if (action !== undefined) return (await action()).run(args);
  const nearest = nearestName(name ?? '', Object.keys(ACTIONS));
  throw new QpvoError('QPVO_USAGE', {
    what: 'arguments of engine',
    expected: Object.keys(ACTIONS).join(', '),
    received: name ?? 'none',
    advice: `${nearest === undefined ? '' : `Did you mean ${nearest}? `}See qpvo engine --help.`,
  });
}

export const command: Command = { help: HELP, run };
