// SPDX-License-Identifier: MIT
import { join, resolve, sep } from 'node:path';
import { numberOption } from '../../src/cli/parseOptions.ts';
import { packageRoot } from '../../src/packageRoot.ts';
import type { BenchRun } from '../benchmark.ts';

const HALF_PROFILE = 'cpu_fp32_half';
export const FULL_PROFILE = 'cpu_fp32';
/** Images narrower than this are not halved. */
const NARROW_PX = 480;

/** What `npm run bench -- accuracy` takes besides the options of every benchmark. */
export const ACCURACY_OPTIONS = {
  seeds: { type: 'string' },
  only: { type: 'string' },
  profile: { type: 'string', default: FULL_PROFILE },
  model: { type: 'string' },
  rendered: { type: 'string', default: join('training', 'qpvo-out', 'sequences') },
  jobs: { type: 'string' },
  resume: { type: 'boolean', default: false },
  floor: { type: 'boolean', default: false },
  against: { type: 'string' },
  'write-readme': { type: 'boolean', default: false },
  'readme-only': { type: 'boolean', default: false },
} as const;

export const USUAL_SEEDS = 5;

export interface AccuracyOptions {
  seeds: number;
  only: string | undefined;
  limit: number | undefined;
  profiles: string[];
  model: string | undefined;
  rendered: string;
  full: boolean;
  jobs: number;
  resume: boolean;
  floor: boolean;
  /** Result of an earlier bench, with another profile or model, that every case is judged by. */
  against: string | undefined;
  /** Put the table into the README: on demand, and after a bench that left nothing out. */
  writeReadme: boolean;
  /** Make the table anew from the result file; run nothing. */
  readmeOnly: boolean;
}

/** The profiles for images of this width: rendered ones are as small as the half of a camera's, and are taken as they are. */
export function profilesFor(widthPx: number, profiles: readonly string[]): string[] {
  const unhalved = (profile: string): string =>
    profile === HALF_PROFILE && widthPx < NARROW_PX ? FULL_PROFILE : profile;
  return [...new Set(profiles.map(unhalved))];
}

export function accuracyOptions({ values, frames, full }: BenchRun<typeof ACCURACY_OPTIONS>): AccuracyOptions {
  const seeds = numberOption('seeds', values.seeds, { least: 1, integer: true }) ?? USUAL_SEEDS;
  const { only, model, profile } = values;
  const isWhole = frames === undefined && only === undefined && profile === FULL_PROFILE && seeds >= USUAL_SEEDS;
  return {
    seeds,
    only,
    limit: frames,
    profiles: [...new Set(full ? [profile, HALF_PROFILE] : [profile])],
    model,
    rendered: resolve(values.rendered),
    full,
    jobs: numberOption('jobs', values.jobs, { least: 1, integer: true }) ?? 1,
    resume: values.resume,
    floor: values.floor,
    against: values.against,
    writeReadme: values['write-readme'] || (isWhole && isOfRepository(model)),
    readmeOnly: values['readme-only'],
  };
}

/** A model of the repository, as against an export that is only tried. */
function isOfRepository(model: string | undefined): boolean {
  if (model === undefined || !/[\\/]/.test(model)) return true;
  return resolve(model).startsWith(join(packageRoot(), 'models') + sep);
}
