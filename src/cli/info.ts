// SPDX-License-Identifier: MIT
import type { CameraCalibration } from '../camera/CameraCalibration.ts';
import { QpvoError } from '../error.ts';
import { openSource } from '../sources/openSource.ts';
import type { Source, SourceInfo, SourceOptions } from '../sources/Source.ts';
import type { Command } from './Command.ts';
import { modelFolderOf, modelInfo, modelInfoText } from './modelInfo.ts';
import { parseOptions } from './parseOptions.ts';

const HELP = `Usage: qpvo info <source or model> [options]

What is in a recording: container, topics, images, calibration, ground truth. Or what a model has: precisions, and the runtimes it has files for.

Options:
  --topic <name>  image topic of a bag (default: found by itself)
  --json          print JSON
  --help          this text

Examples:
  qpvo info recording.mcap
  qpvo info MH_05_difficult --json
  qpvo info small`;

const OPTIONS = { topic: { type: 'string' }, json: { type: 'boolean', default: false } } as const;

async function run(args: string[]): Promise<number> {
  const { values, positionals } = parseOptions('info', args, ['source'], OPTIONS);
  const modelFolder = modelFolderOf(positionals[0]!);
  if (modelFolder !== undefined) {
    const info = modelInfo(modelFolder);
    console.log(values.json ? JSON.stringify(info, null, 2) : modelInfoText(info));
    return 0;
  }
  const options = values.topic === undefined ? {} : { topic: values.topic };
  const { source, calibrationProblem } = await openAnyhow(positionals[0]!, options);
  try {
    const text = values.json
      ? JSON.stringify(infoJson(source, calibrationProblem), null, 2)
      : infoText(source, calibrationProblem);
    console.log(text);
  } finally {
    await source.close();
  }
  return 0;
}

/** The source, without its calibration when that cannot be used. */
async function openAnyhow(
  path: string,
  options: SourceOptions,
): Promise<{ source: Source; calibrationProblem?: string }> {
  try {
    return { source: await openSource(path, options) };
  } catch (error) {
    if (!(error instanceof QpvoError) || error.code !== 'QPVO_CALIBRATION') throw error;
    const source = await openSource(path, { ...options, skipCalibration: true });
    return { source, calibrationProblem: error.message };
  }
}

function infoJson({ info, calibration, groundTruth }: Source, calibrationProblem: string | undefined): object {
  const { firstStampNs, lastStampNs, ...rest } = info;
  return {
    ...rest,
    firstStampNs: firstStampNs?.toString(),
    lastStampNs: lastStampNs?.toString(),
    durationS: durationS(info),
    rateHz: rateHz(info),
    calibration,
    calibrationProblem,
    groundTruthPoses: groundTruth?.length ?? 0,
  };
}

function infoText({ info, calibration, groundTruth }: Source, calibrationProblem: string | undefined): string {
  const duration = durationS(info);
  const rate = rateHz(info);
  const rows: [string, string][] = [
    ['path', info.path],
    ['container', info.kind],
    ...(info.imageTopic === undefined ? [] : [['image topic', info.imageTopic] as [string, string]]),
    ...(info.cameraInfoTopic === undefined ? [] : [['camera info', info.cameraInfoTopic] as [string, string]]),
    ['images', info.imageCount === undefined ? 'not counted' : String(info.imageCount)],
    ['size', info.width === undefined ? 'unknown' : `${info.width}x${info.height} ${info.encoding ?? ''}`.trim()],
    ['duration', duration === undefined ? 'unknown' : `${duration.toFixed(2)} s`],
    ['rate', rate === undefined ? 'unknown' : `${rate.toFixed(2)} images/s`],
    ['calibration', calibration === undefined ? withoutCalibration(calibrationProblem) : calibrationText(calibration)],
    ['ground truth', groundTruth === undefined ? 'none' : `${groundTruth.length} poses`],
  ];
  const topics = info.topics.map(
    ({ topic, type, messageCount }) =>
      `  ${topic}  ${type}  ${messageCount === undefined ? '' : `${messageCount} messages`}`,
  );
  return [
    ...rows.map(([name, value]) => `${name.padEnd(13)} ${value}`),
    ...(topics.length === 0 ? [] : ['topics', ...topics]),
  ].join('\n');
}

function withoutCalibration(problem: string | undefined): string {
  return problem === undefined ? 'none: give one with --camera' : `cannot be used: ${problem}`;
}

function calibrationText({ fx, fy, cx, cy, model, coefficients, origin }: CameraCalibration): string {
  const distortion = model === 'none' ? 'no distortion' : `${model} ${coefficients.join(' ')}`;
  return `fx ${fx} fy ${fy} cx ${cx} cy ${cy}, ${distortion} (${origin})`;
}

function durationS({ firstStampNs, lastStampNs }: SourceInfo): number | undefined {
  return firstStampNs === undefined || lastStampNs === undefined ? undefined : Number(lastStampNs - firstStampNs) / 1e9;
}

/** Mean rate; undefined for fewer than two images. */
function rateHz(info: SourceInfo): number | undefined {
  const duration = durationS(info);
  return info.imageCount === undefined || duration === undefined || duration <= 0
    ? undefined
    : (info.imageCount - 1) / duration;
}

export const command: Command = { help: HELP, run };
