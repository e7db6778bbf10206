// SPDX-License-Identifier: MIT
// Error of every stage of the networks in each runtime and precision against the golden tensors of the models.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { numberText, table } from '../src/compare/textTable.ts';
import { readManifest } from '../src/network/manifest.ts';
import { findModelFolder, listModels } from '../src/network/modelFolder.ts';
import { missingForForm, type NetworkForms } from '../src/network/neededParts.ts';
import { packageRoot } from '../src/packageRoot.ts';
import { benchmark } from './benchmark.ts';
import { errorsOf, readGolden, type StageError, stageOutputs } from './numerics/stageErrors.ts';
import { replaceBlock } from './replaceBlock.ts';

const DOCUMENT = join(packageRoot(), 'docs', 'numerics.md');
const RUNTIMES = ['onnxruntime', 'native'] as const;
const PRECISIONS = ['fp32', 'int8'] as const;
const HEADER = ['model', 'runtime', 'precision', 'stage', 'rms, %', 'greatest', 'rms from simulated, %'];

interface Measured {
  model: string;
  runtime: (typeof RUNTIMES)[number];
  precision: (typeof PRECISIONS)[number];
  /** Against the network in fp32. */
  errors: StageError[];
  /** Against simulated quantization; absent in fp32, and where the model has no such golden tensors. */
  fromSimulated?: StageError[];
}

await benchmark(
  'numerics',
  async ({ values }) => {
    const rows: Measured[] = [];
    for (const model of values.model === undefined ? listModels() : [values.model]) {
      for (const precision of PRECISIONS) {
        for (const runtime of RUNTIMES) rows.push(...(await measure(model, runtime, precision)));
      }
    }
    console.log(`\n${table(HEADER, cellsOf(rows))}\n`);
    if (values['write-docs']) await writeDocument(rows);
    return { rows };
  },
  { model: { type: 'string' }, 'write-docs': { type: 'boolean', default: false } },
);

async function measure(
  model: string,
  runtime: Measured['runtime'],
  precision: Measured['precision'],
): Promise<Measured[]> {
  const folder = findModelFolder(model);
  const manifest = readManifest(folder);
  const forms: NetworkForms = {
    runtime: { encoder: runtime, update: runtime },
    precision: { encoder: precision, update: precision },
  };
  const golden = readGolden(folder, 'golden');
  const missing =
    golden === undefined
      ? 'it has no golden tensors'
      : (missingForForm(manifest, 'encoder', forms) ?? missingForForm(manifest, 'update', forms));
  if (golden === undefined || missing !== undefined) {
    console.log(`*** SKIPPED: ${model} with ${runtime} in ${precision}: ${missing}. ***`);
    return [];
  }
  const errors = errorsOf(await stageOutputs(folder, forms, golden), golden);
  const simulated = precision === 'int8' ? readGolden(folder, 'goldenInt8') : undefined;
  const fromSimulated = simulated && errorsOf(await stageOutputs(folder, forms, simulated), simulated);
  return [
    {
      model: manifest.name,
      runtime,
      precision,
      errors,
      ...(fromSimulated && { fromSimulated }),
    },
  ];
}

function cellsOf(rows: readonly Measured[]): string[][] {
  return rows.flatMap(({ model, runtime, precision, errors, fromSimulated }) =>
    errors.map(({ stage, rmsPercent, worst }, k) => [
      model,
      runtime,
      precision,
      stage,
      errorText(rmsPercent),
      errorText(worst),
      fromSimulated === undefined ? '' : errorText(fromSimulated[k]!.rmsPercent),
    ]),
  );
}

/** "0.0123", "3.1e-5" */
function errorText(value: number): string {
  return value === 0 || value >= 1e-3 ? numberText(value) : value.toExponential(1);
}

async function writeDocument(rows: readonly Measured[]): Promise<void> {
  const lines = [HEADER, HEADER.map(() => '---'), ...cellsOf(rows)].map((cells) => `| ${cells.join(' | ')} |`);
  const text = `${lines.join('\n')}

Rms: root mean square of the difference over that of the golden tensor. Greatest: absolute, in the unit of the stage (delta: grid pixels). Simulated: the golden tensors of the same
network with quantization simulated in fp32, whose stages are given as inputs there. Made by \`npm run bench -- numerics --write-docs\`.`;
  await writeFile(DOCUMENT, replaceBlock(await readFile(DOCUMENT, 'utf8'), 'numerics', text));
  console.log(`written: the table in ${DOCUMENT}`);
}
