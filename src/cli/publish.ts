// SPDX-License-Identifier: MIT
import { QOS_PROFILES } from '../config/nodeParameters.ts';
import { QpvoError } from '../error.ts';
import type { Pose } from '../odometry/Pose.ts';
import { poseFromNumbers } from '../ros/frames/poseFromNumbers.ts';
import type { PlayOutcome } from '../ros/publish/playSource.ts';
import { publishSource } from '../ros/publish/publishSource.ts';
import { RclSession } from '../ros/rclnodejs/RclSession.ts';
import { imageQos } from '../ros/topicQos.ts';
import { openSource } from '../sources/openSource.ts';
import type { Source } from '../sources/Source.ts';
import type { Command } from './Command.ts';
import { interruptible } from './interrupt.ts';
import { numberOption, parseOptions } from './parseOptions.ts';
import { readRange } from './readRange.ts';
import { settleCalibration } from './settleRun.ts';

const HELP = `Usage: qpvo publish <source> [options] [--ros-args ...]

Plays a recorded sequence (as qpvo run reads it) as ROS 2 topics at the speed it was recorded with: images, camera_info, the static
transform base_link -> camera when it is known, and ground truth as nav_msgs/Odometry when there is one. Needs a sourced ROS 2.

Options:
  --rate <factor>           2 plays twice as fast (default: 1)
  --loop                    begin again at the end, until Ctrl-C
  --clock                   publish the recorded time on /clock, for nodes with use_sim_time
  --now                     stamp with the present time instead of the recorded one
  --wait-for-subscribers    begin when somebody listens to the images (default: after a second at the latest)
  --image-topic <name>      images; camera_info stands beside it (default: image)
  --namespace <name>        namespace of the node and its topics
  --qos <profile>           QoS of images and camera_info (default: DEFAULT): ${Object.keys(QOS_PROFILES).join(', ')}
  --camera-frame <name>     optical frame of the camera (default: camera_optical_frame)
  --base-frame <name>       frame of the robot (default: base_link)
  --base-to-camera <pose>   where the camera sits on it: "x y z roll pitch yaw" or "x y z qx qy qz qw" (default: that of the source)
  --camera <file>           calibration: ASL sensor.yaml, ROS camera_info or Kalibr yaml (default: that of the source)
  --topic <name>            image topic of a bag (default: found by itself)
  --start <seconds>         skip this much of the recording
  --end <seconds>           stop this long after the first image of the recording
  --stride <n>              take every n-th image
  --help                    this text

Examples:
  qpvo publish MH_05_difficult --wait-for-subscribers
  qpvo publish recording.bag --topic /cam0/image_raw --image-topic /front/image_raw --loop --now
  qpvo publish MH_05_difficult --clock --rate 0.5 --base-to-camera "0.1 0 0.2 -1.5708 0 -1.5708"`;

const OPTIONS = {
  rate: { type: 'string' },
  loop: { type: 'boolean', default: false },
  clock: { type: 'boolean', default: false },
  now: { type: 'boolean', default: false },
  'wait-for-subscribers': { type: 'boolean', default: false },
  'image-topic': { type: 'string', default: 'image' },
  namespace: { type: 'string', default: '' },
  qos: { type: 'string', default: 'DEFAULT' },
  'camera-frame': { type: 'string', default: 'camera_optical_frame' },
  'base-frame': { type: 'string', default: 'base_link' },
  'base-to-camera': { type: 'string' },
  camera: { type: 'string' },
  topic: { type: 'string' },
  start: { type: 'string' },
  end: { type: 'string' },
  stride: { type: 'string' },
} as const;

/** Images that the middleware keeps for a slow reader. */
const DEPTH = 10;

type Options = ReturnType<typeof parsePublish>['values'];

function parsePublish(args: string[]) {
  return parseOptions('publish', args, ['source'], OPTIONS);
}

async function publish(args: string[]): Promise<number> {
  const at = args.indexOf('--ros-args');
  const { values, positionals } = parsePublish(at < 0 ? args : args.slice(0, at));
  const request = readOptions(values);
  const source = await openSource(positionals[0]!, {
    ...(values.topic === undefined ? {} : { topic: values.topic }),
    skipCalibration: values.camera !== undefined,
  });
  try {
    const outcome = await play(source, values, request, at < 0 ? [] : args.slice(at));
    console.log(outcomeText(outcome));
    if (outcome.damaged === undefined) return 0;
    throw new QpvoError('QPVO_SOURCE_CORRUPT', {
      what: `${source.info.path} could not be read to its end`,
      received: outcome.damaged,
      advice: 'What came before was published.',
    });
  } finally {
    await source.close();
  }
}

/** What can be wrong with the options is found before anything is opened. */
function readOptions(values: Options) {
  if (values.clock && values.now) {
    throw new QpvoError('QPVO_USAGE', {
      what: 'options --clock and --now',
      expected: 'one of them: recorded time for everybody, or present time',
      received: 'both',
    });
  }
  return {
    range: readRange(values),
    rate: numberOption('rate', values.rate, { least: 0.001 }) ?? 1,
    qos: readQos(values.qos),
    mounting: readMounting(values['base-to-camera']),
  };
}

async function play(
  source: Source,
  values: Options,
  { range, rate, qos, mounting }: ReturnType<typeof readOptions>,
  rosArgs: string[],
): Promise<PlayOutcome> {
  const hasCalibration = values.camera !== undefined || source.calibration !== undefined;
  const calibration = hasCalibration ? await settleCalibration(source, values.camera) : undefined;
  if (calibration === undefined) say(`no calibration in ${source.info.path}: no camera_info (give one with --camera)`);
  const names = {
    imageTopic: values['image-topic'],
    baseFrame: values['base-frame'],
    cameraFrame: values['camera-frame'],
  };
  const session = await RclSession.open(rosArgs);
  try {
    const node = session.plainNode('qpvo_publish', values.namespace);
    const { groundTruth } = source;
    const camera = { calibration, T_base_camera: mounting ?? source.T_body_camera, groundTruth };
    const options = {
      names,
      camera,
      qos,
      range,
      rate,
      loop: values.loop,
      stampNow: values.now,
      withClock: values.clock,
    };
    const waitForSubscribers = values['wait-for-subscribers'];
    node.spin();
    return await interruptible(
      (signal) => publishSource(source, node, { ...options, waitForSubscribers }, say, signal),
      () => say('Ending.'),
      SAME_WISH_MS,
    );
  } finally {
    session.close();
  }
}

/** ros2 launch passes a Ctrl-C on that the terminal has sent already. */
const SAME_WISH_MS = 1000;

function readQos(name: string) {
  const profile = name.toUpperCase();
  if (Object.hasOwn(QOS_PROFILES, profile)) return imageQos(profile as keyof typeof QOS_PROFILES, DEPTH);
  throw new QpvoError('QPVO_USAGE', {
    what: 'option --qos',
    expected: Object.keys(QOS_PROFILES).join(', '),
    received: `"${name}"`,
  });
}

function readMounting(text: string | undefined): Pose | undefined {
  if (text === undefined) return undefined;
  const words = text.split(/[\s,]+/).filter(Boolean);
  return poseFromNumbers(words.map(Number));
}

function outcomeText({ published, faults, latestMs }: PlayOutcome): string {
  const skipped = faults === 0 ? '' : `, ${faults} could not be read`;
  return `${published} images published${skipped}; the latest came ${latestMs.toFixed(1)} ms after its time`;
}

function say(line: string): void {
  console.error(line);
}

export const command: Command = { help: HELP, run: publish };
