// SPDX-License-Identifier: MIT
// The native networks of every model in int8 and fp32, with each instruction set that this processor has. Needs no recording.
import { availableParallelism } from 'node:os';
import { settleParameters } from '../src/cli/settleRun.ts';
import { table } from '../src/compare/textTable.ts';
import type { Profile } from '../src/config/Profile.ts';
import { readProfile } from '../src/config/readProfile.ts';
import { loadAddon } from '../src/native/loadAddon.ts';
import { readManifest, readModelFile } from '../src/network/manifest.ts';
import { findModelFolder, listModels } from '../src/network/modelFolder.ts';
import { openNativeEncoder } from '../src/network/native/NativeEncoder.ts';
import { openNativeUpdate } from '../src/network/native/NativeUpdate.ts';
import { readInt8Weights } from '../src/network/quantization/int8Weights.ts';
import { readSafetensors } from '../src/network/weights/safetensors.ts';
import { maxPairs, maxSources, ringSlots } from '../src/odometry/windows.ts';
import { benchmark } from './benchmark.ts';
import { eurocLikeCamera } from './eurocLikeCamera.ts';
import { leastTimes } from './leastTimes.ts';
import { syntheticProblem } from './syntheticProblem.ts';

const PROFILE = 'cpu_int8';
const REPETITIONS = 20;

/** One network of one model in one form. */
interface Form {
  network: 'encoder' | 'update';
  precision: 'int8' | 'fp32';
  instructionSet: string;
  model: string;
  run(): Promise<void>;
  close(): Promise<void>;
}

await benchmark('sets', async ({ frames: repetitions = REPETITIONS }) => {
  const profile = readProfile(PROFILE);
  const opened = [];
  for (const model of listModels()) opened.push(await formsOf(model, profile));
  const forms = opened.flatMap((model) => model.forms);
  const least = await leastTimes(forms, repetitions);
  const rows = forms.map(({ network, precision, instructionSet, model }, index) => ({
    network,
    precision,
    instructionSet,
    model,
    ms: least[index]!,
  }));
  for (const form of forms) await form.close();
  for (const { close } of opened) close();
  console.log(
    `\n${table(
      ['network', 'precision', 'instruction set', 'model', 'least ms'],
      rows.map((row) => [row.network, row.precision, row.instructionSet, row.model, row.ms]),
    )}\n`,
  );
  return { profile: PROFILE, threads: availableParallelism(), repetitions, rows };
});

/** Both networks of a model, in both precisions, with every instruction set, on all cores. */
async function formsOf(model: string, profile: Profile): Promise<{ forms: Form[]; close(): void }> {
  const modelDir = findModelFolder(model);
  const manifest = readManifest(modelDir);
  const parameters = settleParameters(profile, manifest, [], undefined);
  const { ops, graph, hidden, work } = await syntheticProblem(eurocLikeCamera(752, 480), manifest, parameters);
  const { width, height, patches } = work;
  const windows = {
    maxPairs: maxPairs(parameters),
    maxSources: maxSources(parameters),
    ringSlots: ringSlots(parameters),
  };
  const shape = { width, height, patches, ...windows, buffers: ops.buffers };
  const tables = { source: graph.source, sourceIndex: graph.sourceIndex, previous: graph.previous, next: graph.next };
  const weights = {
    int8: readInt8Weights(readModelFile(modelDir, manifest, 'weightsInt8')),
    fp32: readSafetensors(Buffer.from(readModelFile(modelDir, manifest, 'weights')), 'weights'),
  };
  const { CpuUpdate, CpuEncoder } = loadAddon();
  const threads = availableParallelism();
  const forms: Form[] = [];
  for (const precision of ['int8', 'fp32'] as const) {
    for (const instructionSet of CpuUpdate.instructionSets) {
      const update = await openNativeUpdate(weights[precision], manifest.sizes, { threads, precision, instructionSet });
      await update.bind(shape);
      const run = () => update.update({ ...hidden.batch(work.pairs), ...tables });
      forms.push({ network: 'update', precision, instructionSet, model, run, close: () => update.close() });
    }
    for (const instructionSet of CpuEncoder.instructionSets) {
      const encoder = await openNativeEncoder(weights[precision], manifest.sizes, {
        threads,
        precision,
        instructionSet,
      });
      await encoder.bind(shape);
      const run = () => encoder.encode();
      forms.push({ network: 'encoder', precision, instructionSet, model, run, close: () => encoder.close() });
    }
  }
  return { forms, close: () => ops.close() };
}
