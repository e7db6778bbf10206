// SPDX-License-Identifier: MIT
import { rectifiedCamera } from '../camera/RectifiedCamera.ts';
import type { ComparedSequence, ComparisonPlan, Contender } from '../compare/Comparison.ts';
import { filesRead } from '../compare/filesRead.ts';
import { networkShapes } from '../compare/networkShapes.ts';
import { checkAccelerator } from '../config/checkAccelerator.ts';
import { selectProfile } from '../config/selectProfile.ts';
import { QpvoError } from '../error.ts';
import { readManifest } from '../network/manifest.ts';
import { findModelFolder } from '../network/modelFolder.ts';
import { openSource } from '../sources/openSource.ts';
import { settleCalibration, settleParameters } from './settleRun.ts';
import { sourceName } from './sourceName.ts';

/** What the command line asks for. */
export interface ComparisonRequest {
  sources: readonly string[];
  /** Of --profiles. */
  profiles: string | undefined;
  model: string | undefined;
  camera: string | undefined;
  topic: string | undefined;
  /** Of --set, for all profiles. */
  assignments: readonly string[];
  seeds: number;
  jobs: number;
}

/**
 * Everything that can be wrong with a comparison is found here, before any run.
 *
 * @throws QpvoError QPVO_USAGE for fewer than two profiles or an unknown one, QPVO_PROFILE_UNAVAILABLE with the list of those that can run here
 * with the model, QPVO_MODEL when a model cannot be read, and what openSource and settleCalibration throw
 */
export async function settleComparison(request: ComparisonRequest): Promise<ComparisonPlan> {
  const contenders: Contender[] = [];
  for (const name of profileNames(request.profiles)) contenders.push(await settleContender(name, request));
  requireDifferent(contenders.map(({ profile }) => profile.name));
  const sequences: ComparedSequence[] = [];
  for (const source of request.sources) {
    const taken = sequences.map(({ name }) => name);
    const sequence = await settleSequence(source, uniqueName(sourceName(source), taken), request);
    for (const { parameters } of contenders) rectifiedCamera(sequence.calibration, parameters.networkScale);
    sequences.push(sequence);
  }
  return { contenders, sequences, seeds: request.seeds, jobs: request.jobs };
}

function profileNames(list: string | undefined): string[] {
  const names = (list ?? '')
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
  if (names.length >= 2) return names;
  throw new QpvoError('QPVO_USAGE', {
    what: 'option --profiles',
    expected: 'at least two profiles with commas between them',
    received: list === undefined ? 'nothing' : `"${list}"`,
    advice: 'For example --profiles cpu_fp32,cpu_fp32_half; qpvo doctor tells which can run here.',
  });
}

function requireDifferent(names: readonly string[]): void {
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice === undefined) return;
  throw new QpvoError('QPVO_USAGE', {
    what: 'option --profiles',
    expected: 'each profile once',
    received: `${twice} twice`,
    advice: 'What a profile does with other seeds is part of every comparison.',
  });
}

async function settleContender(name: string, { model, assignments }: ComparisonRequest): Promise<Contender> {
  const { profile } = selectProfile(name, false, undefined, model);
  const folder = findModelFolder(model ?? profile.model);
  const manifest = readManifest(folder);
  const parameters = settleParameters(profile, manifest, assignments, undefined);
  checkAccelerator(parameters.dlaCore, profile);
  return {
    profile,
    manifest,
    parameters,
    files: filesRead(profile, manifest),
    shapes: await networkShapes(folder, manifest),
  };
}

async function settleSequence(path: string, name: string, request: ComparisonRequest): Promise<ComparedSequence> {
  const { topic, camera } = request;
  const source = await openSource(path, {
    ...(topic === undefined ? {} : { topic }),
    skipCalibration: camera !== undefined,
  });
  try {
    const calibration = await settleCalibration(source, camera);
    return { name, source: path, calibration, groundTruth: source.groundTruth };
  } finally {
    await source.close();
  }
}

/** "MH_05", "MH_05-2" */
function uniqueName(name: string, taken: readonly string[]): string {
  let unique = name;
  for (let count = 2; taken.includes(unique); count++) unique = `${name}-${count}`;
  return unique;
}
