// SPDX-License-Identifier: MIT
// Trajectory errors of the product over all sequences at hand, five seeds each, against ground truth and beside a classical floor.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readProfile } from '../src/config/readProfile.ts';
import { QpvoError } from '../src/error.ts';
import { RPE_DELTA_S } from '../src/evaluation/trajectoryErrors.ts';
import { readManifest } from '../src/network/manifest.ts';
import { findModelFolder, listModels } from '../src/network/modelFolder.ts';
import { packageRoot } from '../src/packageRoot.ts';
import {
  ACCURACY_OPTIONS,
  type AccuracyOptions,
  accuracyOptions,
  FULL_PROFILE,
  profilesFor,
} from './accuracy/AccuracyOptions.ts';
import { type AccuracyResult, readResult, type SavedResult } from './accuracy/AccuracyResult.ts';
import { accuracyText } from './accuracy/accuracyTable.ts';
import { type Case, listCases } from './accuracy/Case.ts';
import { summarizeRuns } from './accuracy/CaseSummary.ts';
import { cardBlock } from './accuracy/cardBlock.ts';
import { withSequences } from './accuracy/findSequences.ts';
import { type Floor, findFloor } from './accuracy/floorRun.ts';
import { findProduct, modelChecksum, type Product } from './accuracy/productRun.ts';
import { keptRuns, type RunRecord } from './accuracy/RunRecord.ts';
import { readmeBlock } from './accuracy/readmeBlock.ts';
import { makeRuns, type PlannedRun, planRuns } from './accuracy/runCases.ts';
import type { Sequence } from './accuracy/Sequence.ts';
import { verdictsAgainst, verdictText } from './accuracy/verdicts.ts';
import { type BenchRun, benchmark, commit } from './benchmark.ts';
import { replaceBlock } from './replaceBlock.ts';

const README = join(packageRoot(), 'README.md');

await benchmark(
  'accuracy',
  async (bench) => {
    const options = accuracyOptions(bench);
    if (options.readmeOnly) {
      await writeReadme(bench.file);
      return undefined;
    }
    if (options.against !== undefined) await earlierResult(options.against);
    const runners = await listRunners(options);
    const earlier = await earlierRuns(bench.file, runners, options);
    return withSequences(options, (sequences) => measure(sequences, runners, earlier, options, bench));
  },
  ACCURACY_OPTIONS,
);

async function listRunners({ profiles, model, floor }: AccuracyOptions): Promise<(Product | Floor)[]> {
  const any = new Set([...profiles, ...profilesFor(0, profiles)]);
  const products = await Promise.all([...any].map((profile) => findProduct(profile, model)));
  const found = floor ? await findFloor() : undefined;
  return found === undefined ? products : [...products, found];
}

async function earlierRuns(
  file: string,
  runners: readonly (Product | Floor)[],
  { resume, floor }: AccuracyOptions,
): Promise<RunRecord[]> {
  const runs = (await readResult(file))?.runs ?? [];
  const good = keptRuns(runs, runners);
  // The floor knows nothing of the product: its runs stay what they are until they are asked for.
  const kept = resume ? good : good.filter(({ contender }) => contender === 'floor' && !floor);
  if (kept.length === 0) return [];
  console.log(`going on from ${file}: ${kept.length} runs are kept, ${runs.length - kept.length} are not`);
  const others = new Set(kept.map((run) => run.commit).filter((hash) => hash !== commitText()));
  if (others.size > 0) console.log(`*** Runs at other commits are among them: ${[...others].join(', ')}. ***`);
  return kept;
}

async function measure(
  sequences: readonly Sequence[],
  runners: readonly (Product | Floor)[],
  earlier: readonly RunRecord[],
  options: AccuracyOptions,
  bench: Pick<BenchRun<typeof ACCURACY_OPTIONS>, 'save' | 'file'>,
): Promise<AccuracyResult> {
  const runnersOf = ({ sequence }: Case): (Product | Floor)[] => {
    const profiles = profilesFor(sequence.calibration.width, options.profiles);
    return runners.filter(({ contender, profile }) => contender === 'floor' || profiles.includes(profile));
  };
  const planned = planRuns(listCases(sequences, options), runnersOf, options.seeds);
  if (planned.length === 0) throw nothingToRun(sequences, options);
  const known = new Set(earlier.map(({ key }) => key));
  const open = planned.filter(({ key }) => !known.has(key));
  const runs = [...earlier];
  let saved = Promise.resolve();
  await makeRuns(open, { jobs: options.jobs, commit: commitText() }, (record) => {
    runs.push(record);
    saved = saved.then(() => bench.save(resultOf(runs, planned)));
    return saved;
  });
  const other = options.against === undefined ? undefined : await earlierResult(options.against);
  const against = other && verdictsAgainst(summarizeRuns(runs), other);
  const result = { ...resultOf(runs, planned), ...(against && { against }) };
  const keys = new Set(planned.map(({ key }) => key));
  console.log(`\n${accuracyText(summarizeRuns(runs.filter(({ key }) => keys.has(key))))}\n`);
  if (against !== undefined) console.log(`beside ${options.against}\n\n${verdictText(against)}\n`);
  if (runs.some(({ failure }) => failure !== undefined)) {
    console.error('*** Runs FAILED: see above. They are run again with --resume. ***');
    process.exitCode = 1;
  } else if (options.writeReadme) {
    await bench.save(result);
    await writeReadme(bench.file);
  }
  return result;
}

function resultOf(runs: readonly RunRecord[], planned: readonly PlannedRun[]): AccuracyResult {
  const there = new Set(runs.map(({ key }) => key));
  return {
    alignment: 'sim3',
    rpeDeltaS: RPE_DELTA_S,
    missing: planned.filter(({ key }) => !there.has(key)).length,
    cases: summarizeRuns(runs),
    runs: [...runs],
  };
}

async function earlierResult(file: string): Promise<SavedResult> {
  const result = await readResult(file);
  if (result !== undefined) return result;
  throw new QpvoError('QPVO_NOT_FOUND', {
    what: `no result of this bench in ${file}`,
    advice: 'Run npm run bench -- accuracy first.',
  });
}

async function writeReadme(file: string): Promise<void> {
  const result = await earlierResult(file);
  await writeFile(README, replaceBlock(await readFile(README, 'utf8'), 'accuracy', readmeBlock(result)));
  console.log(`written: the table of accuracy in ${README}`);
  for (const model of listModels()) await writeCard(result, model);
}

/** The table in the card of a model of the repository that was run with these weights, where the card has a place for it. */
async function writeCard(result: SavedResult, model: string): Promise<void> {
  const folder = findModelFolder(model);
  const card = join(folder, 'README.md');
  const block = cardBlock(result, {
    checksum: modelChecksum(readManifest(folder), readProfile(FULL_PROFILE)),
    profile: FULL_PROFILE,
  });
  const text = await readFile(card, 'utf8').catch(() => '');
  if (block === undefined || !text.includes('<!-- odometry: begin -->')) return;
  await writeFile(card, replaceBlock(text, 'odometry', block));
  console.log(`written: the table of odometry in ${card}`);
}

/** The hash, with "+" when files differ from it. */
function commitText(): string {
  const at = commit();
  return typeof at === 'string' ? at : `${at.hash}${at.dirty ? '+' : ''}`;
}

function nothingToRun(sequences: readonly Sequence[], { only }: AccuracyOptions): QpvoError {
  return new QpvoError('QPVO_USAGE', {
    what: only === undefined ? 'nothing to run' : `no case whose name holds "${only}"`,
    expected: `a part of a name such as ${sequences.map(({ name }) => name).join(', ')} or start0/stride2`,
  });
}
