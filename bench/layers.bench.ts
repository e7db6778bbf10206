// SPDX-License-Identifier: MIT
// What each group of layers adds to the time of the native networks when it stays in fp32 and all others are in int8. Needs no recording.
import { availableParallelism } from 'node:os';
import { settleParameters } from '../src/cli/settleRun.ts';
import { table } from '../src/compare/textTable.ts';
import { readProfile } from '../src/config/readProfile.ts';
import { readManifest, readModelFile } from '../src/network/manifest.ts';
import { findModelFolder } from '../src/network/modelFolder.ts';
import { openNativeEncoder } from '../src/network/native/NativeEncoder.ts';
import { openNativeUpdate } from '../src/network/native/NativeUpdate.ts';
import { int8Layers, readInt8Weights } from '../src/network/quantization/int8Weights.ts';
import { ENCODER_LAYERS, UPDATE_LAYERS } from '../src/network/quantization/quantizedLayers.ts';
import type { RuntimeTensors } from '../src/network/weights/RuntimeTensors.ts';
import { readSafetensors } from '../src/network/weights/safetensors.ts';
import { maxPairs, maxSources, ringSlots } from '../src/odometry/windows.ts';
import { benchmark } from './benchmark.ts';
import { eurocLikeCamera } from './eurocLikeCamera.ts';
import { leastTimes } from './leastTimes.ts';
import { syntheticProblem } from './syntheticProblem.ts';

const PROFILE = 'cpu_int8';
const REPETITIONS = 40;

type Part = 'encoder' | 'update';

/** Runs one of the networks once. */
interface Form {
  run(): Promise<void>;
  close(): Promise<void>;
}

await benchmark('layers', async ({ frames: repetitions = REPETITIONS }) => {
  const profile = readProfile(PROFILE);
  const modelDir = findModelFolder(profile.model);
  const manifest = readManifest(modelDir);
  const float: RuntimeTensors = readSafetensors(Buffer.from(readModelFile(modelDir, manifest, 'weights')), 'weights');
  const int8 = readInt8Weights(readModelFile(modelDir, manifest, 'weightsInt8'));
  const parameters = settleParameters(profile, manifest, [], undefined);
  const problem = await syntheticProblem(eurocLikeCamera(752, 480), manifest, parameters);
  const { width, height, patches } = problem.work;
  const windows = {
    maxPairs: maxPairs(parameters),
    maxSources: maxSources(parameters),
    ringSlots: ringSlots(parameters),
  };
  const shape = { width, height, patches, ...windows, buffers: problem.ops.buffers };
  const threads = availableParallelism();

  const open = async (part: Part, tensors: RuntimeTensors): Promise<Form> => {
    const precision = int8Layers(ofPart(tensors, part)).length > 0 ? 'int8' : 'fp32';
    if (part === 'encoder') {
      const runtime = await openNativeEncoder(tensors, manifest.sizes, { threads, precision });
      await runtime.bind(shape);
      return { run: () => runtime.encode(), close: () => runtime.close() };
    }
    const runtime = await openNativeUpdate(tensors, manifest.sizes, { threads, precision });
    await runtime.bind(shape);
    const { source, sourceIndex, previous, next } = problem.graph;
    const batch = { ...problem.hidden.batch(problem.work.pairs), source, sourceIndex, previous, next };
    return { run: () => runtime.update(batch), close: () => runtime.close() };
  };

  const rows: { group: string; part: Part; ms: number; extraMs: number }[] = [];
  const whole = { floatMs: 0, int8Ms: 0 };
  for (const [part, layers] of [
    ['encoder', ENCODER_LAYERS],
    ['update', UPDATE_LAYERS],
  ] as const) {
    const groups = [...new Set(layers.map(({ group }) => group))];
    const forms = [float, int8, ...groups.map((group) => withFloat(group, int8, float))];
    const [floatMs = 0, int8Ms = 0, ...alone] = await timeForms(part, forms, open, repetitions);
    whole.floatMs += floatMs;
    whole.int8Ms += int8Ms;
    rows.push(...groups.map((group, k) => ({ group, part, ms: alone[k]!, extraMs: alone[k]! - int8Ms })));
    console.log(`${part}: ${floatMs.toFixed(2)} ms with all layers in fp32, ${int8Ms.toFixed(2)} ms in int8`);
  }
  problem.ops.close();
  console.log(
    `\n${table(
      ['in fp32 alone', 'ms', 'adds ms'],
      rows.map(({ group, ms, extraMs }) => [group, ms, extraMs]),
    )}\n`,
  );
  const extraMs = Object.fromEntries(rows.map((row) => [row.group, row.extraMs]));
  return { profile: PROFILE, threads, width, height, pairs: problem.work.pairs, repetitions, ...whole, extraMs };
});

/** The least time of each form. */
async function timeForms(
  part: Part,
  forms: readonly RuntimeTensors[],
  open: (part: Part, tensors: RuntimeTensors) => Promise<Form>,
  repetitions: number,
): Promise<number[]> {
  const opened: Form[] = [];
  for (const tensors of forms) opened.push(await open(part, tensors));
  const least = await leastTimes(opened, repetitions);
  for (const form of opened) await form.close();
  return least;
}

/** The int8 weights with one group of layers in fp32. */
function withFloat(group: string, int8: RuntimeTensors, float: RuntimeTensors): RuntimeTensors {
  const tensors = new Map(int8);
  for (const { name } of [...ENCODER_LAYERS, ...UPDATE_LAYERS].filter((layer) => layer.group === group)) {
    tensors.set(`${name}.weight`, float.get(`${name}.weight`)!);
    tensors.delete(`${name}.weight_scale`);
    tensors.delete(`${name}.input_scale`);
  }
  return tensors;
}

function ofPart(tensors: RuntimeTensors, part: Part): RuntimeTensors {
  return new Map([...tensors].filter(([name]) => name.startsWith('update.') === (part === 'update')));
}
