// SPDX-License-Identifier: MIT
import { readFileSync } from 'node:fs';
import { join, parse } from 'node:path';
import { messageOf, QpvoError } from '../error.ts';
import { importModel } from '../network/importModel.ts';
import type { ModelProvenance } from '../network/provenance.ts';
import { readSafetensors } from '../network/weights/safetensors.ts';
import { packageRoot } from '../packageRoot.ts';
import type { Command } from './Command.ts';
import { parseOptions } from './parseOptions.ts';

const HELP = `Usage: qpvo import <weights> [options]

Makes a model folder (manifest.json and ONNX files) from trained weights: a PyTorch checkpoint (.pt, .pth), .npz or .safetensors. Nothing
in a checkpoint is executed.

Options:
  --name <name>             name of the model (default: that of the file)
  --out <folder>            folder of the model (default: models/<name> of the package)
  --description <text>      what the model is good for; written to its manifest, as are the next two
  --licence <name>          licence of the weights
  --training <text>         where the weights come from
  --provenance <file>       how they were trained, a JSON file: commit, config, data, steps, clips, hours, machine
  --golden <file>           inputs and outputs of every stage, a .safetensors file, to be kept with the model and tested against
  --scales <file>           scales of the layers to be computed in int8, a .safetensors file made by the training; adds the int8 forms
  --golden-int8 <file>      as --golden, of the quantized network; needs --scales
  --golden-tensorrt <file>  the same with the integers that TensorRT has; needs --scales
  --help                    this text

Examples:
  qpvo import small.pt
  qpvo import small.pt --scales scales.safetensors
  qpvo import dpvo.pth --name base --out models/base`;

const OPTIONS = {
  name: { type: 'string' },
  out: { type: 'string' },
  description: { type: 'string' },
  licence: { type: 'string' },
  training: { type: 'string' },
  provenance: { type: 'string' },
  golden: { type: 'string' },
  scales: { type: 'string' },
  'golden-int8': { type: 'string' },
  'golden-tensorrt': { type: 'string' },
} as const;

async function run(args: string[]): Promise<number> {
  const { values, positionals } = parseOptions('import', args, ['weights'], OPTIONS);
  const [weights] = positionals as [string];
  const { out, name = parse(weights).name, provenance, golden, scales, ...others } = values;
  const { 'golden-int8': goldenInt8, 'golden-tensorrt': goldenTensorrt, ...about } = others;
  const outDir = out ?? join(packageRoot(), 'models', name);
  const given = Object.fromEntries(Object.entries(about).filter(([, text]) => text !== undefined));
  const { parameters, quantization } = await importModel(weights, {
    name,
    outDir,
    ...given,
    ...(provenance === undefined ? {} : { provenance: readJson(provenance) as ModelProvenance }),
    ...(golden === undefined ? {} : { golden: readGolden('golden', golden) }),
    ...(scales === undefined ? {} : { scales: { path: scales, content: readBytes('scales', scales) } }),
    ...(goldenInt8 === undefined ? {} : { goldenInt8: readGolden('golden-int8', goldenInt8) }),
    ...(goldenTensorrt === undefined ? {} : { goldenTensorrt: readGolden('golden-tensorrt', goldenTensorrt) }),
  });
  const layers = Object.keys(quantization?.inputScales ?? {}).length;
  const inInt8 = layers === 0 ? '' : `, ${layers} layers in int8`;
  console.log(`model ${name} (${(parameters / 1e6).toFixed(1)} M parameters${inInt8}) written to ${outDir}`);
  return 0;
}

/** Checked by importModel. */
function readJson(path: string): unknown {
  try {
    return JSON.parse(readBytes('provenance', path).toString('utf8'));
  } catch (cause) {
    if (cause instanceof QpvoError) throw cause;
    throw new QpvoError('QPVO_USAGE', {
      what: `--provenance ${path}`,
      expected: 'JSON',
      received: messageOf(cause).split('\n')[0]!,
    });
  }
}

function readGolden(option: string, path: string): Uint8Array {
  const bytes = readBytes(option, path);
  readSafetensors(bytes, path);
  return bytes;
}

function readBytes(option: string, path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (cause) {
    const received = messageOf(cause);
    throw new QpvoError('QPVO_NOT_FOUND', { what: `--${option} ${path}`, expected: 'a file', received, cause });
  }
}

export const command: Command = { help: HELP, run };
