// SPDX-License-Identifier: MIT
import { QpvoError } from '../error.ts';
import { formatStampS } from '../evaluation/stampText.ts';
import { isFinitePose } from '../odometry/se3.ts';
import type { FinalPose, FinishResult, TrackResult } from '../odometry/types.ts';
import type { Output } from './Output.ts';
import type { OutputContext } from './OutputContext.ts';
import { OutputFile } from './OutputFile.ts';

/**
 * Final poses as text, one a line: `stamp_s tx ty tz qx qy qz qw`, T_world_camera, camera in the optical frame (z forward, x right, y down). A line
 * `# segment N` comes before each segment. The file ends with a whole line after every frame.
 */
export class TumOutput implements Output {
  readonly path: string;
  readonly #file: OutputFile;
  #segment: number | undefined;

  private constructor(file: OutputFile) {
    this.path = file.path;
    this.#file = file;
  }

  static async create(path: string, context: OutputContext): Promise<TumOutput> {
    const output = new TumOutput(await OutputFile.create(path, context.openFile));
    await output.#append('# stamp_s tx ty tz qx qy qz qw (T_world_camera, optical frame)\n');
    return output;
  }

  async write(result: TrackResult): Promise<void> {
    await this.#append(this.#linesOf(result.finalPoses));
  }

  async finish(end: FinishResult): Promise<void> {
    try {
      await this.#append(this.#linesOf(end.finalPoses));
    } finally {
      await this.#file.close();
    }
  }

  async #append(text: string): Promise<void> {
    if (text === '') return;
    await this.#file.append(Buffer.from(text, 'ascii'));
    await this.#file.markValid();
  }

  #linesOf(poses: readonly FinalPose[]): string {
    let text = '';
    for (const pose of poses) {
      if (pose.segment !== this.#segment) text += `# segment ${pose.segment}\n`;
      this.#segment = pose.segment;
      text += tumLine(pose);
    }
    return text;
  }
}

function tumLine(pose: FinalPose): string {
  const { t, q } = pose.T_world_camera;
  if (!isFinitePose(pose.T_world_camera)) {
    throw new QpvoError('QPVO_INTERNAL', {
      what: `The final pose of frame ${pose.sequence} is not a number`,
      received: [...t, ...q].join(' '),
    });
  }
  return `${formatStampS(pose.stampNs)} ${[...t, ...q].map(fixed).join(' ')}\n`;
}

/** Nine decimals, the same bytes for the same number; zero has no sign. */
function fixed(value: number): string {
  const text = value.toFixed(9);
  return text === '-0.000000000' ? '0.000000000' : text;
}
