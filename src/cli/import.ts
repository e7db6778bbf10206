// SPDX-License-Identifier: MIT
import { join, parse } from 'node:path';
import { importModel } from '../network/importModel.ts';
import { packageRoot } from '../packageRoot.ts';
import type { Command } from './Command.ts';
import { parseOptions } from './parseOptions.ts';

const HELP = `Usage: qpvo import <weights> [options]

Makes a model folder (manifest.json and ONNX files) from trained weights: a PyTorch checkpoint (.pt, .pth), .npz or .safetensors. Nothing
in a checkpoint is executed.

Options:
  --name <name>         name of the model (default: that of the file)
  --out <folder>        folder of the model (default: models/<name> of the package)
  --description <text>  what the model is good for; written to its manifest, as are the next two
  --licence <name>      licence of the weights
  --training <text>     where the weights come from
  --help                this text

Examples:
  qpvo import small.pt
  qpvo import dpvo.pth --name base --out models/base`;

const OPTIONS = {
  name: { type: 'string' },
  out: { type: 'string' },
  description: { type: 'string' },
  licence: { type: 'string' },
  training: { type: 'string' },
} as const;

async function run(args: string[]): Promise<number> {
  const { values, positionals } = parseOptions('import', args, ['weights'], OPTIONS);
  const [weights] = positionals as [string];
  const { out, name = parse(weights).name, ...about } = values;
  const outDir = out ?? join(packageRoot(), 'models', name);
  const given = Object.fromEntries(Object.entries(about).filter(([, text]) => text !== undefined));
  const { parameters } = await importModel(weights, { name, outDir, ...given });
  console.log(`model ${name} (${(parameters / 1e6).toFixed(1)} M parameters) written to ${outDir}`);
  return 0;
}

export const command: Command = { help: HELP, run };
