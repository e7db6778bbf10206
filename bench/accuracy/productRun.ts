// SPDX-License-Identifier: MIT
import { createHash } from 'node:crypto';
import { join, resolve } from 'node:path';
import { settleParameters } from '../../src/cli/settleRun.ts';
import { PARTS } from '../../src/config/Profile.ts';
import type { OdometryParameters } from '../../src/config/parameters.ts';
import { readProfile } from '../../src/config/readProfile.ts';
import { QpvoError } from '../../src/error.ts';
import { readTrajectory } from '../../src/evaluation/readTrajectory.ts';
import { type ModelManifest, readManifest } from '../../src/network/manifest.ts';
import { findModelFolder } from '../../src/network/modelFolder.ts';
import { type NetworkForms, neededParts } from '../../src/network/neededParts.ts';
import { runCli } from '../cliRun.ts';
import { type Case, runArguments } from './Case.ts';
import type { Runner, RunRecord } from './RunRecord.ts';
import { trajectoryErrors } from './trajectoryErrors.ts';

/** What a run yields, apart from what it was. */
export type RunOutcome = Pick<
  RunRecord,
  'consumed' | 'withPose' | 'segments' | 'states' | 'lost' | 'errors' | 'fps' | 'failure'
>;

/** The product with one model and profile. */
export interface Product extends Runner {
  modelFolder: string;
}

/** @param model name or folder; that of the profile when absent */
export async function findProduct(profileName: string, model: string | undefined): Promise<Product> {
  const profile = readProfile(profileName);
  const modelFolder = resolve(findModelFolder(model ?? profile.model));
  const manifest = readManifest(modelFolder);
  return {
    contender: 'qpvo',
    profile: profileName,
    settings: settingsChecksum(settleParameters(profile, manifest, [], undefined)),
    model: manifest.name,
    checksum: modelChecksum(manifest, profile),
    modelFolder,
  };
}

/** Of everything in the manifest that decides what the networks compute in these forms; not of its texts, nor of parts for other forms: new scales of INT8 change nothing in fp32. */
export function modelChecksum(
  {
    sizes,
    normalisation,
    correlation,
    files,
  }: Pick<ModelManifest, 'sizes' | 'normalisation' | 'correlation' | 'files'>,
  forms: NetworkForms,
): string {
  const needed = new Set(PARTS.flatMap((network) => neededParts(network, forms)));
  const parts = [...needed].sort().map((part) => [part, files[part]?.sha256 ?? null]);
  return digest({ sizes, normalisation, correlation, parts });
}

/** Seed and threads do not belong to it: the one is part of the key, and the others change nothing but the speed. Nor do masks of no size, which change nothing. */
export function settingsChecksum({ seed: _, threads: __, ...parameters }: OdometryParameters): string {
  const entries = Object.entries(parameters).filter(([name, value]) => !(name.startsWith('mask') && value === 0));
  return digest(entries.sort()).slice(0, 8);
}

function digest(value: object): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex').slice(0, 16);
}

/** @param alone whether the run has the machine for itself: all threads, and a speed that means something */
export async function runProduct(entry: Case, product: Product, seed: number, alone: boolean): Promise<RunOutcome> {
  const { groundTruth, medianDepthM } = entry.sequence;
  let errors: RunOutcome['errors'];
  const { profile, modelFolder } = product;
  const settings = ['--profile', profile, '--model', modelFolder, '--seed', `${seed}`, '--no-report'];
  const { frames, summary } = await runCli({
    args: [...runArguments(entry), ...settings, ...(alone ? [] : ['--set', 'threads=1'])],
    inspect: async (folder) => {
      const poses = await readTrajectory(join(folder, 'trajectory.tum')).catch(() => ({ poses: [] }));
      errors = trajectoryErrors(poses.poses, groundTruth, medianDepthM);
    },
  });
  if (summary.incomplete) {
    throw new QpvoError('QPVO_INTERNAL', { what: 'the run did not reach its end', received: 'an incomplete summary' });
  }
  const states: RunOutcome['states'] = {};
  for (const { state } of frames) states[state] = (states[state] ?? 0) + 1;
  return {
    consumed: summary.frames - summary.skipped,
    withPose: summary.tracked,
    segments: summary.segments.length,
    states,
    lost: summary.segments.length !== 1 || (states.LOST ?? 0) > 0,
    ...(errors && { errors }),
    ...(alone ? { fps: summary.fps } : {}),
  };
}
