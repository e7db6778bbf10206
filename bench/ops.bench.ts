// SPDX-License-Identifier: MIT
// Every native op and network part alone, at awkward and at real sizes: milliseconds, GFLOP/s, GB/s. Needs no recording.
import { availableParallelism } from 'node:os';
import { settleParameters } from '../src/cli/settleRun.ts';
import { readProfile } from '../src/config/readProfile.ts';
import { readManifest } from '../src/network/manifest.ts';
import { findModelFolder } from '../src/network/modelFolder.ts';
import type { NetworkForms } from '../src/network/neededParts.ts';
import { openNetwork } from '../src/network/openNetwork.ts';
import { maxPairs, maxSources, ringSlots } from '../src/odometry/windows.ts';
import { benchmark } from './benchmark.ts';
import { type Ceilings, measureCeilings } from './ceilings.ts';
import { encoderForms } from './encoderForms.ts';
import { eurocLikeCamera } from './eurocLikeCamera.ts';
import { byteOps, nativeOps, networkOps, networkParts } from './opList.ts';
import { type OpTiming, timeOp, timingTable } from './opTimings.ts';
import { syntheticProblem } from './syntheticProblem.ts';
import { updateForms } from './updateForms.ts';

const PROFILE = 'cpu_fp32';
const REPETITIONS = 30;

interface Case {
  name: string;
  recordedWidth: number;
  recordedHeight: number;
  set: string[];
}

const AWKWARD = ['patchesPerFrame=9', 'removalWindow=6', 'optimizationWindow=5', 'patchLifetime=3'];
const CASES: Case[] = [
  { name: 'awkward', recordedWidth: 131, recordedHeight: 113, set: AWKWARD },
  { name: 'half', recordedWidth: 752, recordedHeight: 480, set: ['networkScale=0.5'] },
  { name: 'full', recordedWidth: 752, recordedHeight: 480, set: ['networkScale=1'] },
];

await benchmark('ops', async ({ frames = REPETITIONS }) => {
  const profile = readProfile(PROFILE);
  const modelDir = findModelFolder(profile.model);
  const ceilings = await measureCeilings();
  const cases = [];
  for (const entry of CASES) {
    const { width, height, timings } = await measure(
      entry,
      modelDir,
      profile,
      settleParameters(profile, readManifest(modelDir), entry.set, undefined),
      frames,
      ceilings,
    );
    console.log(`\n${entry.name}: network image ${width}x${height}\n\n${timingTable(timings)}`);
    cases.push({ ...entry, width, height, timings });
  }
  return { profile: PROFILE, repetitions: frames, ceilings, cases };
});

async function measure(
  { recordedWidth, recordedHeight }: Case,
  modelDir: string,
  { runtime, precision }: NetworkForms,
  parameters: ReturnType<typeof settleParameters>,
  repetitions: number,
  ceilings: Ceilings,
): Promise<{ width: number; height: number; timings: OpTiming[] }> {
  const camera = eurocLikeCamera(recordedWidth, recordedHeight);
  const problem = await syntheticProblem(camera, readManifest(modelDir), parameters);
  const inBytes = await syntheticProblem(camera, readManifest(modelDir), parameters, 'int8');
  const { width, height, patches } = problem.work;
  const threads = availableParallelism();
  const network = await openNetwork(modelDir, { threads, runtime, precision });
  const windows = {
    maxPairs: maxPairs(parameters),
    maxSources: maxSources(parameters),
    ringSlots: ringSlots(parameters),
  };
  const shape = { width, height, patches, ...windows, buffers: problem.ops.buffers };
  network.allocate(shape);
  const { parts, close } = await networkParts(modelDir, threads, problem);
  const encoders = await encoderForms(modelDir, threads, problem, shape);
  const updates = await updateForms(modelDir, threads, problem, shape);
  const timings: OpTiming[] = [];
  const ops = [
    ...nativeOps(problem),
    ...byteOps(inBytes),
    ...parts,
    ...networkOps(network, problem),
    ...encoders.ops,
    ...updates.ops,
  ];
  for (const op of ops) {
    timings.push(await timeOp(op, repetitions, ceilings));
  }
  await close();
  await encoders.close();
  await updates.close();
  problem.ops.close();
  inBytes.ops.close();
  await network.close();
  return { width, height, timings };
}
