// SPDX-License-Identifier: MIT
// Memory over 5,000 frames of a recording played forth and back, all outputs written: it must not grow after the first 100 frames.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { table } from '../src/compare/textTable.ts';
import { QpvoError } from '../src/error.ts';
import { benchmark } from './benchmark.ts';
import { runCli } from './cliRun.ts';
import { writeLoopedRecording } from './loopedRecording.ts';
import { type MemoryGrowth, memoryGrowth } from './memoryGrowth.ts';
import { demo, mh05 } from './recordings.ts';
import { atLeast, atMost, notJudged, plain, targetTable } from './targets.ts';

const PROFILE = 'cpu_fp32_half';
const SEED = 0;
const FRAMES = 5000;
const TURN = 120;
/** Below this there is no steady state to judge. */
const LEAST_FRAMES = 200;

await benchmark('soak', async ({ frames = FRAMES }) => {
  if (frames < LEAST_FRAMES) {
    throw new QpvoError('QPVO_USAGE', {
      what: 'option --frames',
      expected: `at least ${LEAST_FRAMES}`,
      received: `${frames}`,
    });
  }
  const recording = (await mh05()) ?? (await demo());
  if (recording === undefined) return undefined;
  const folder = await mkdtemp(join(tmpdir(), 'qpvo-soak-'));
  try {
    await writeLoopedRecording(folder, recording, TURN, frames);
    const run = await runCli({ args: [folder, '--profile', PROFILE, '--seed', `${SEED}`] });
    const growth = memoryGrowth(run.frames.map(({ rssMb }) => rssMb));
    const { fps, peakRssMb, tracked, segments } = run.summary;
    const all = [
      atLeast('frames processed', run.frames.length, frames, ''),
      atMost('memory at the end / after 100 frames', growth.late / growth.early, 1.05, ''),
      atMost('growth over the second half', growth.mbPer1000Frames, 1, 'MB / 1000 frames'),
      atMost('peak memory', peakRssMb, 700, 'MB'),
      plain('frames with a pose', tracked, ''),
      plain('segments', segments.length, ''),
      plain('frames per second', fps, '1/s'),
    ];
    const numbers = frames >= FRAMES ? all : all.map((row) => (row.unit.startsWith('MB /') ? notJudged(row) : row));
    console.log(`\n${recording.name}, ${frames} frames forth and back over ${TURN} images, ${PROFILE}\n`);
    console.log(`${samplesTable(growth)}\n\n${targetTable(numbers)}`);
    return { recording: recording.name, turn: TURN, frames, profile: PROFILE, seed: SEED, numbers, growth };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

function samplesTable({ samples }: MemoryGrowth): string {
  return table(
    ['frames', 'resident MB'],
    samples.map(({ frames, rssMb }) => [`${frames}`, rssMb]),
  );
}
