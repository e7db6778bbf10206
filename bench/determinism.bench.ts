// SPDX-License-Identifier: MIT
// The same seed twice gives the same trajectory bit by bit; other seeds give others, and how far they spread.
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { table } from '../src/compare/textTable.ts';
import { benchmark } from './benchmark.ts';
import { runCli } from './cliRun.ts';
import { demo, excerpt, mh05 } from './recordings.ts';
import { atLeast, plain, targetTable } from './targets.ts';

const PROFILE = 'cpu_fp32';
const FRAMES = 150;
/** The first two are the same. */
const SEEDS = [0, 0, 1, 2, 3, 4];

interface Run {
  seed: number;
  sha256: string;
  poses: number;
  ateRmseM: number | undefined;
}

await benchmark('determinism', async ({ frames = FRAMES }) => {
  const recording = (await mh05()) ?? (await demo());
  if (recording === undefined) return undefined;
  const { images, args } = excerpt(recording, frames);
  const runs: Run[] = [];
  for (const seed of SEEDS) runs.push(await measure(seed, args));
  const [first, again, ...others] = runs;
  const identical = first?.sha256 === again?.sha256 && first!.poses > 0 ? 1 : 0;
  const distinct = new Set([first, ...others].map((run) => run?.sha256)).size;
  const ates = runs.slice(1).map(({ ateRmseM }) => ateRmseM ?? Number.NaN);
  const numbers = [
    atLeast('same seed twice: identical trajectory.tum', identical, 1, '1 = yes'),
    atLeast('different trajectories of five seeds', distinct, SEEDS.length - 1, ''),
    plain('ATE, least', Math.min(...ates), 'm'),
    plain('ATE, greatest', Math.max(...ates), 'm'),
  ];
  console.log(`\n${recording.name}, ${images} images, ${PROFILE}\n\n${runTable(runs)}\n\n${targetTable(numbers)}`);
  return { recording: recording.name, images, profile: PROFILE, numbers, runs };
});

async function measure(seed: number, args: readonly string[]): Promise<Run> {
  let trajectory = new Uint8Array(0);
  const { summary } = await runCli({
    args: [...args, '--profile', PROFILE, '--seed', `${seed}`, '--no-report'],
    inspect: async (folder) => {
      trajectory = await readFile(join(folder, 'trajectory.tum'));
    },
  });
  const sha256 = createHash('sha256').update(trajectory).digest('hex');
  return { seed, sha256, poses: summary.tracked, ateRmseM: summary.ate?.rmseM };
}

function runTable(runs: readonly Run[]): string {
  return table(
    ['seed', 'sha256 of trajectory.tum', 'poses', 'ATE m'],
    runs.map(({ seed, sha256, poses, ateRmseM }) => [`${seed}`, sha256.slice(0, 16), `${poses}`, ateRmseM ?? '-']),
  );
}
