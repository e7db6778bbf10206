// SPDX-License-Identifier: MIT
import { join } from 'node:path';
import type { CameraCalibration } from '../camera/CameraCalibration.ts';
import { checkAccelerator } from '../config/checkAccelerator.ts';
import { loadAddon } from '../native/loadAddon.ts';
import { readManifest } from '../network/manifest.ts';
import { findModelFolder } from '../network/modelFolder.ts';
import { PatchOdometry } from '../odometry/PatchOdometry.ts';
import type { Output } from '../outputs/Output.ts';
import type { OutputContext } from '../outputs/OutputContext.ts';
import { openSource } from '../sources/openSource.ts';
import type { Source } from '../sources/Source.ts';
import type { Command } from './Command.ts';
import { interruptible } from './interrupt.ts';
import { makeOutputFolder, openOutputs, writeJson } from './openOutputs.ts';
import { expectedFrames, ProgressLine } from './ProgressLine.ts';
import { parseOptions } from './parseOptions.ts';
import { readRange } from './readRange.ts';
import { RECORDING_OPTIONS } from './recordingOptions.ts';
import { type RunOutcome, type RunRequest, runSequence } from './runSequence.ts';
import { settleCalibration, settleParameters, settleProfile } from './settleRun.ts';
import { sourceName } from './sourceName.ts';
import { summaryText } from './summaryText.ts';

const HELP = `Usage: qpvo run <source> [options]

Odometry from a recorded sequence: an EuRoC / ASL folder, a ROS 2 .mcap or .db3 file or rosbag2 folder, a ROS 1 .bag, or a folder
of images with a camera.yaml. Writes trajectory.tum, odometry.mcap, map.ply and report.html.

Options:
  --profile <name>    profile, or path of a profile.yaml (default: auto)
  --model <name>      model, or its folder (default: that of the profile)
  --camera <file>     calibration: ASL sensor.yaml, ROS camera_info or Kalibr yaml (default: that of the source)
  --topic <name>      image topic of a bag (default: found by itself)
  --start <seconds>   skip this much of the recording
  --end <seconds>     stop this long after the first image of the recording
  --stride <n>        take every n-th image
  --seed <n>          seed of the random choices
  --set <name=value>  change a parameter (docs/parameters.md); may be repeated
  --out <folder>      where files are written (default: qpvo-out/<name of the source>)
  --no-report         do not write report.html
  --json <file>       write the summary as JSON
  --realtime          play at the recorded speed; drop the oldest waiting frame when the odometry is slower
  --help              this text

Ctrl-C ends the run with everything so far written; a second Ctrl-C ends it at once.

Examples:
  qpvo run recording.mcap
  qpvo run MH_05_difficult --stride 2 --seed 3 --out results/mh05 --json results/mh05.json
  qpvo run bag_folder --topic /camera/image_raw --camera camera.yaml --start 10 --end 40
  qpvo run recording.bag --profile cpu_fp32_half --set patchesPerFrame=64 --realtime`;

const OPTIONS = {
  ...RECORDING_OPTIONS,
  profile: { type: 'string', default: 'auto' },
  seed: { type: 'string' },
  out: { type: 'string' },
  'no-report': { type: 'boolean', default: false },
  realtime: { type: 'boolean', default: false },
} as const;

type Options = ReturnType<typeof parseRun>['values'];

function parseRun(args: string[]) {
  return parseOptions('run', args, ['source'], OPTIONS);
}

/** What can be wrong with options and model is found before the recording is opened, what is wrong with that before the networks are loaded. */
async function run(args: string[]): Promise<number> {
  const { values, positionals } = parseRun(args);
  const range = readRange(values);
  const profile = settleProfile(values.profile, values.realtime, say, values.model);
  const model = values.model ?? profile.model;
  const modelDir = findModelFolder(model);
  const parameters = settleParameters(profile, readManifest(modelDir), values.set, values.seed);
  checkAccelerator(parameters.dlaCore, profile);
  const source = await openSource(positionals[0]!, {
    ...(values.topic === undefined ? {} : { topic: values.topic }),
    skipCalibration: values.camera !== undefined,
  });
  try {
    const calibration = await settleCalibration(source, values.camera);
    const folder = values.out ?? join('qpvo-out', sourceName(source.info.path));
    await makeOutputFolder(folder);
    loadAddon().returnLargeBlocks();
    const { device, runtime, precision } = profile;
    const odometry = await PatchOdometry.create({ calibration, modelDir, parameters, device, runtime, precision });
    try {
      const outputs = await openOutputs(folder, contextOf(source, calibration), !values['no-report']);
      const { realtime } = values;
      const settings = { source: positionals[0]!, profile: profile.name, model, seed: parameters.seed, realtime };
      const outcome = await play({ source, odometry, outputs, range, settings });
      return await conclude(outcome, outputs, values);
    } finally {
      await odometry.close();
    }
  } finally {
    await source.close();
  }
}

/** Runs the sequence with progress on the terminal and an end by Ctrl-C. */
async function play(request: RunRequest): Promise<RunOutcome> {
  const progress = new ProgressLine(expectedFrames(request.source.info, request.range));
  const action = (signal: AbortSignal): Promise<RunOutcome> =>
    runSequence({
      ...request,
      signal,
      onProgress: (state) => progress.update(state),
      onNotice: (text) => progress.warn(text),
    });
  const onFirstSignal = (): void => progress.note('Ending: the files are being completed. Ctrl-C again ends at once.');
  try {
    return await interruptible(action, onFirstSignal);
  } finally {
    progress.stop();
  }
}

/** Prints the summary, then writes it, then lets out what failed: the run, the writing, or both. */
async function conclude({ summary, failure }: RunOutcome, outputs: Output[], { json }: Options): Promise<number> {
  const paths = outputs.map((output) => output.path);
  console.log(summaryText(summary, paths));
  const failures: unknown[] = failure === undefined ? [] : [failure];
  if (json !== undefined) {
    await writeJson(json, summary).then(
      () => console.log(`  ${json}`),
      (error: unknown) => failures.push(error),
    );
  }
  if (failures.length === 0) return 0;
  throw failures.length === 1 ? failures[0] : new AggregateError(failures);
}

function contextOf({ info, groundTruth }: Source, calibration: CameraCalibration): OutputContext {
  return { calibration, sourceName: sourceName(info.path), ...(groundTruth === undefined ? {} : { groundTruth }) };
}

function say(line: string): void {
  console.error(line);
}

export const command: Command = { help: HELP, run };
