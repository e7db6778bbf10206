// SPDX-License-Identifier: MIT
import { basename } from 'node:path';
import { rectifiedCamera } from '../../camera/RectifiedCamera.ts';
import { PRECISIONS, type Precision, type Profile, tensorrtParts } from '../../config/Profile.ts';
import type { OdometryParameters } from '../../config/parameters.ts';
import { readProfile } from '../../config/readProfile.ts';
import { QpvoError } from '../../error.ts';
import { type ModelManifest, readManifest } from '../../network/manifest.ts';
import { findModelFolder } from '../../network/modelFolder.ts';
import type { NetworkPart } from '../../network/neededParts.ts';
import type { EngineOptions } from '../../tensorrt/EngineKey.ts';
import { engineShape } from '../../tensorrt/engineShape.ts';
import { type EngineRequest, openEngines } from '../../tensorrt/openEngines.ts';
import { engineFolder } from '../../tensorrt/places.ts';
import { interruptible } from '../interrupt.ts';
import { numberOption, parseOptions } from '../parseOptions.ts';
import { settleParameters } from '../settleRun.ts';
import { EngineProgressLine } from './EngineProgressLine.ts';

const OPTIONS = {
  size: { type: 'string' },
  profile: { type: 'string' },
  model: { type: 'string' },
  networks: { type: 'string' },
  precision: { type: 'string' },
  set: { type: 'string', multiple: true, default: [] as string[] },
  dla: { type: 'string' },
  level: { type: 'string' },
  workspace: { type: 'string' },
  force: { type: 'boolean', default: false },
} as const;

type Options = ReturnType<typeof parse>['values'];

function parse(args: string[]) {
  return parseOptions('engine build', args, [], OPTIONS);
}

const NETWORKS = ['encoder', 'update'] as const;
/** Exit code after Ctrl-C, by convention of shells. */
const INTERRUPTED = 130;

export async function run(args: string[]): Promise<number> {
  return build(readRequest(args));
}

/**
 * What the arguments of `qpvo engine build` ask for.
 *
 * @throws QPVO_USAGE or QPVO_PARAMETER naming the option; QPVO_PROFILE, QPVO_MODEL or QPVO_CALIBRATION as a run does
 */
export function readRequest(args: string[]): EngineRequest {
  const { values } = parse(args);
  const profile = values.profile === undefined ? undefined : readProfile(values.profile);
  const modelDir = findModelFolder(values.model ?? profile?.model ?? 'small');
  const manifest = readManifest(modelDir);
  const parameters =
    profile === undefined
      ? plainParameters(manifest, values.set)
      : settleParameters(profile, manifest, values.set, undefined);
  const size = sizeOption(values.size);
  const camera = { fx: 1, fy: 1, cx: 0, cy: 0, model: 'none' as const, coefficients: [], origin: '--size' };
  const image = rectifiedCamera({ ...size, ...camera }, parameters.networkScale);
  const precision = precisionOf(values, profile);
  return {
    modelDir,
    manifest,
    precision,
    shape: engineShape(image, parameters),
    options: engineOptions(values, parameters.dlaCore),
    build: true,
    force: values.force,
  };
}

async function build(request: EngineRequest): Promise<number> {
  const line = new EngineProgressLine();
  const startMs = performance.now();
  let isInterrupted = false;
  try {
    const engines = await interruptible(
      (signal) =>
        openEngines({
          ...request,
          signal,
          onProgress: (progress) => line.update(progress),
          onNotice: (text) => line.note(text),
        }),
      () => {
        isInterrupted = true;
        line.note('Ending: TensorRT finishes the step it is at. Ctrl-C again ends at once.');
      },
    );
    line.stop();
    const names = Object.keys(engines.plans);
    const seconds = ((performance.now() - startMs) / 1000).toFixed(0);
    const done =
      engines.built.length === 0
        ? `nothing to build: ${names.join(', ')} are in the cache`
        : `built ${engines.built.join(', ')} in ${seconds} s`;
    console.log(`${done} (${engineFolder()})`);
    return 0;
  } catch (error) {
    line.stop();
    if (!isInterrupted || error instanceof QpvoError) throw error;
    console.error('qpvo: interrupted; the engine at work was not kept, those before it were');
    return INTERRUPTED;
  }
}

/** Of the model and --set alone. */
function plainParameters({ name, windows }: ModelManifest, assignments: readonly string[]): OdometryParameters {
  return settleParameters({ name: 'none', parameters: {} }, { name, windows }, assignments, undefined);
}

function precisionOf(
  { networks, precision }: Options,
  profile: Profile | undefined,
): Partial<Record<NetworkPart, Precision>> {
  const named = networks?.split(',').map((name) => choice('networks', name, NETWORKS));
  const own = profile === undefined ? (['encoder'] as const) : tensorrtParts(profile);
  const chosen = named ?? own;
  if (chosen.length === 0)
    throw new QpvoError('QPVO_USAGE', {
      what: `the profile ${basename(profile!.path)} computes no network with TensorRT`,
      expected: 'one that does, or --networks',
    });
  const given = precision === undefined ? undefined : choice('precision', precision, PRECISIONS);
  return Object.fromEntries(chosen.map((network) => [network, given ?? profile?.precision[network] ?? 'fp16']));
}

/** Level and workspace only where they are given: engines that are there need not have others. */
function engineOptions(values: Options, dlaCore: number): Partial<EngineOptions> {
  const level = numberOption('level', values.level, { least: 0, integer: true });
  const workspaceMb = numberOption('workspace', values.workspace, { least: 1, integer: true });
  if (level !== undefined && level > 5)
    throw new QpvoError('QPVO_USAGE', { what: 'option --level', expected: '0 to 5', received: `${level}` });
  return {
    dlaCore: numberOption('dla', values.dla, { least: 0, integer: true }) ?? dlaCore,
    ...(level === undefined ? {} : { level }),
    ...(workspaceMb === undefined ? {} : { workspaceMb }),
  };
}

function sizeOption(text: string | undefined): { width: number; height: number } {
  const [, width, height] = /^(\d{1,5})x(\d{1,5})$/.exec(text ?? '') ?? [];
  if (width !== undefined && height !== undefined) return { width: Number(width), height: Number(height) };
  throw new QpvoError('QPVO_USAGE', {
    what: 'option --size',
    expected: 'the image of the camera as <width>x<height>',
    received: text === undefined ? 'none' : `"${text}"`,
    advice: 'For example --size 752x480; qpvo info <recording> tells it.',
  });
}

function choice<T extends string>(option: string, text: string, names: readonly T[]): T {
  const found = names.find((name) => name === text.trim());
  if (found !== undefined) return found;
  throw new QpvoError('QPVO_USAGE', {
    what: `option --${option}`,
    expected: names.join(', '),
    received: `"${text}"`,
  });
}
