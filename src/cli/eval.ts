// SPDX-License-Identifier: MIT
import { stat } from 'node:fs/promises';
import { QpvoError } from '../error.ts';
import type { AlignmentKind } from '../evaluation/alignment.ts';
import { evaluateTrajectory } from '../evaluation/evaluateTrajectory.ts';
import { evaluationJson } from '../evaluation/evaluationJson.ts';
import { formatEvaluation } from '../evaluation/formatEvaluation.ts';
import { readTrajectory } from '../evaluation/readTrajectory.ts';
import type { StampedPose } from '../odometry/Pose.ts';
import { openSource } from '../sources/openSource.ts';
import type { Command } from './Command.ts';
import { writeJson } from './openOutputs.ts';
import { numberOption, parseOptions } from './parseOptions.ts';

const HELP = `Usage: qpvo eval <estimate> <reference> [options]

Compares two trajectories: absolute and relative errors, scale drift. The estimate is a TUM file (stamp_s tx ty tz qx qy qz qw). The
reference is a TUM file, an EuRoC ground truth csv (poses of the body), or a recording with ground truth (poses of the camera).

Options:
  --alignment <kind>          sim3 or se3 (default: sim3, since one camera knows no scale)
  --max-difference <seconds>  pair each pose with the nearest reference pose at most this far away in time
                              (default: interpolate the reference at the stamp of the pose)
  --json <file>               write the result as JSON, with the error of each pose
  --help                      this text

Examples:
  qpvo eval qpvo-out/MH_05/trajectory.tum MH_05
  qpvo eval estimate.tum groundtruth.tum --alignment se3 --json result.json`;

const ALIGNMENTS: readonly AlignmentKind[] = ['sim3', 'se3'];

const OPTIONS = {
  alignment: { type: 'string', default: 'sim3' },
  'max-difference': { type: 'string' },
  json: { type: 'string' },
} as const;

async function run(args: string[]): Promise<number> {
  const { values, positionals } = parseOptions('eval', args, ['estimate', 'reference'], OPTIONS);
  const alignment = ALIGNMENTS.find((kind) => kind === values.alignment);
  if (alignment === undefined) {
    throw new QpvoError('QPVO_USAGE', {
      what: 'option --alignment',
      expected: ALIGNMENTS.join(', '),
      received: `"${values.alignment}"`,
    });
  }
  const maxDifferenceS = numberOption('max-difference', values['max-difference'], { least: 0 });
  const estimate = await readTrajectory(positionals[0]!);
  const reference = await readReference(positionals[1]!);
  const evaluation = evaluateTrajectory(estimate.poses, reference, {
    alignment,
    ...(maxDifferenceS === undefined ? {} : { method: 'nearest' as const, maxDifferenceS }),
  });
  console.log(formatEvaluation(evaluation));
  if (values.json !== undefined) await writeJson(values.json, evaluationJson(evaluation, { perPose: true }));
  return 0;
}

/** Poses of a trajectory file, or the ground truth of a recording when the path is a folder. */
async function readReference(path: string): Promise<StampedPose[]> {
  const isFolder = await stat(path).then(
    (entry) => entry.isDirectory(),
    () => false,
  );
  if (!isFolder) return (await readTrajectory(path)).poses;
  const source = await openSource(path, {});
  try {
    if (source.groundTruth !== undefined) return source.groundTruth;
  } finally {
    await source.close();
  }
  throw new QpvoError('QPVO_EVALUATION', {
    what: `no ground truth in ${path}`,
    expected: 'a recording with ground truth, or a trajectory file',
    advice: 'Name the trajectory file itself.',
  });
}

export const command: Command = { help: HELP, run };
