// SPDX-License-Identifier: MIT
// Seconds from the start of the process to the first processed frame, and to the first pose.
import { benchmark } from './benchmark.ts';
import { codeUnderTest, runCli } from './cliRun.ts';
import { demo, excerpt, mh05 } from './recordings.ts';
import { medianOf } from './statistics.ts';
import { atMost, notJudged, plain, targetTable } from './targets.ts';

const PROFILE = 'cpu_fp32';
const SEED = 0;
const RUNS = 5;
const FRAMES = 100;

await benchmark('startup', async ({ frames = FRAMES }) => {
  const recording = (await mh05()) ?? (await demo());
  if (recording === undefined) return undefined;
  const { args } = excerpt(recording, frames);
  const runs = [];
  for (let k = 0; k < RUNS; k++) runs.push(await measure([...args, '--profile', PROFILE, '--seed', `${SEED}`]));
  const code = codeUnderTest();
  const firstFrame = atMost('first processed frame, median', medianOf(runs.map((run) => run.firstFrameS)), 2, 's');
  const numbers = [
    code === 'dist' ? firstFrame : notJudged(firstFrame),
    plain('first pose, median', medianOf(runs.map((run) => run.firstPoseS)), 's'),
  ];
  const how = code === 'dist' ? 'compiled program' : 'TypeScript sources, not compiled: slower than what is installed';
  console.log(`\n${recording.name}, ${PROFILE}, ${RUNS} runs, ${how}\n\n${targetTable(numbers)}`);
  return { recording: recording.name, profile: PROFILE, seed: SEED, numbers, runs };
});

async function measure(args: readonly string[]): Promise<{ firstFrameS: number; firstPoseS: number }> {
  const { startedMs, frames } = await runCli({ args, enough: ({ hasPose }) => hasPose });
  const firstPose = frames.find(({ hasPose }) => hasPose);
  return {
    firstFrameS: ((frames[0]?.atMs ?? Number.NaN) - startedMs) / 1000,
    firstPoseS: ((firstPose?.atMs ?? Number.NaN) - startedMs) / 1000,
  };
}
